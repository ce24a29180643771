/** The version that the text of an `oci-layout` file says (image-spec 1.1.1, image-layout.md); undefined if it says none or is no JSON object. */
export function layoutVersion(text: string): string | undefined {
  try {
    const value: unknown = JSON.parse(text);
    const version = (value as { imageLayoutVersion?: unknown } | null)?.imageLayoutVersion;
    return typeof version === 'string' ? version : undefined;
  } catch {
    return undefined;
  }
}

/** The one version there is. */
export const LAYOUT_VERSION = '1.0.0';
