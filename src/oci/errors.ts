/** What can be wrong with a document, a name or a choice of the OCI specifications. */
import { errorMaker } from '../base/errors.ts';

type OciErrors = {
  OCI_DIGEST_INVALID: { text: string; want: string };
  OCI_REFERENCE_INVALID: { text: string; why: string; hint?: string | undefined };
  OCI_PLATFORM_INVALID: { text: string; want: string };
  OCI_PLATFORM_MISSING: { wanted: string; available: readonly string[] };
  OCI_DOCUMENT_INVALID: { document: string; path: string; got: string; want: string };
  OCI_DOCUMENT_TOO_LARGE: { document: string; size: number; limit: number };
  OCI_DOCUMENT_CONFUSED: { why: string };
  OCI_SCHEMA1: { mediaType: string };
};
/** Errors of documents, digests, references and platforms. */
export const ociError = errorMaker<OciErrors>({
  OCI_DIGEST_INVALID: ({ text, want }) => `digest ${JSON.stringify(text)} is not valid, want ${want}`,
  OCI_REFERENCE_INVALID: ({ text, why, hint }) => ({
    message: `${JSON.stringify(text)} is not a valid image name: ${why}`,
    hint,
  }),
  OCI_PLATFORM_INVALID: ({ text, want }) => `platform ${JSON.stringify(text)} is not valid, want ${want}`,
  OCI_PLATFORM_MISSING: ({ wanted, available }) => ({
    message: `no image for platform ${wanted}, the index has ${available.length === 0 ? 'no image at all' : available.join(', ')}`,
    hint:
      available.length === 0
        ? undefined
        : `choose one with --platform, for example --platform ${available[0]}`,
  }),
  OCI_DOCUMENT_INVALID: ({ document, path, got, want }) =>
    `${document}${path === '' ? '' : `, ${path}`}: got ${got}, want ${want}`,
  OCI_DOCUMENT_TOO_LARGE: ({ document, size, limit }) =>
    `${document} is ${size} bytes, at most ${limit} are accepted`,
  OCI_DOCUMENT_CONFUSED: ({ why }) => `manifest can be read in two ways: ${why}`,
  OCI_SCHEMA1: ({ mediaType }) => ({
    message: `manifest of type ${mediaType} is Docker's schema 1, which is not supported`,
    hint: 'push the image again with a current tool, or convert it with skopeo copy --format oci',
  }),
});
