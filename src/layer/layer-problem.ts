import { DobosError, isDobosError } from '../base/errors.ts';
import type { Digest } from '../oci/types.ts';

/** Of errors that bytes cause; what a program or the disk is missing is not the layer's fault. */
const OF_BYTES =
  /^(?:TAR_\w+|BYTES_\w+|LAYER_\w+|COMPRESS_(?:TRUNCATED|TRAILING|CORRUPT|WINDOW)|STORE_NOT_FOUND)$/;

/** The error with the layer that it is about, and what to do; other errors unchanged. */
export function layerProblem(error: unknown, blob: { readonly digest: Digest }): unknown {
  if (!isDobosError(error) || !OF_BYTES.test(error.code)) return error;
  const { code, message, facts, place, cause } = error;
  const hint =
    error.hint ??
    '"dobos system check" tells whether the store is damaged (--repair removes what is); then load or build the image again';
  const named = message.includes(blob.digest) ? message : `layer ${blob.digest} cannot be read: ${message}`;
  return new DobosError(code, named, facts, { hint, place, cause });
}
