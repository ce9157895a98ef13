/** The version of this package. A test holds it to the one of package.json. */
export const sdkVersion = "0.1.0";
