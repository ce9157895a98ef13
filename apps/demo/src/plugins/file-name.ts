/** The longest name that ext4, APFS and NTFS all take: 255 bytes of UTF-8. */
const fileNameBytesMax = 255;

/**
 * The file name in a percent-encoded path segment, in Unicode's NFC, or undefined if the store does
 * not take it: empty, over 255 bytes, broken percent-encoding or UTF-8, a leading dot (hidden
 * files, `.` and `..`), a separator of any system, a control character, or one that turns the
 * direction of the text around.
 */
export function fileNameOf(segment: string): string | undefined {
  let name: string;
  try {
    name = decodeURIComponent(segment).normalize("NFC");
  } catch (thrown) {
    if (thrown instanceof URIError) {
      return undefined;
    }
    throw thrown;
  }
  const allowed =
    name !== "" &&
    !name.startsWith(".") &&
    !/[/\\\p{Cc}\p{Cs}\p{Zl}\p{Zp}\u202A-\u202E\u2066-\u2069]/u.test(name) &&
    Buffer.byteLength(name) <= fileNameBytesMax;
  return allowed ? name : undefined;
}
