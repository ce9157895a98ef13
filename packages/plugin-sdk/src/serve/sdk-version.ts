/** The version of this package, as hosts are told it. A test holds it to the one of package.json. */
export const sdkVersion = "0.1.0";
