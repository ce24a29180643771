import type { CallOptions } from '../base/options.ts';
import type { HttpResponse } from '../http/types.ts';
import { MAX_MANIFEST_BYTES } from '../oci/limits.ts';
import type { Descriptor } from '../oci/types.ts';
import { registryError } from './errors.ts';
import { foreignText } from './foreign-text.ts';
import type { Place } from './place.ts';

/**
 * Stores a manifest under a tag or its digest, byte for byte and under its own type (distribution-spec 1.1.1, end-7a). Doing it twice does no harm, so it is done again when it fails.
 * @throws REGISTRY_TOO_LARGE, REGISTRY_REFUSED, REGISTRY_DENIED, REGISTRY_STORED, and errors of http/
 */
export async function putManifest(
  place: Place,
  name: string,
  reference: string,
  { mediaType, digest }: Descriptor,
  bytes: Uint8Array,
  o: CallOptions,
): Promise<void> {
  if (bytes.length > MAX_MANIFEST_BYTES)
    throw registryError('REGISTRY_TOO_LARGE', { name, limit: MAX_MANIFEST_BYTES });
  const request = {
    ...({ method: 'PUT', headers: { 'content-type': mediaType }, body: bytes } as const),
    ...{ retry: true, slowAnswer: true },
  };
  const response = await place.ask(`manifests/${reference}`, request, o);
  if (response.status !== 201 && response.status !== 200) throw await place.refusedWrite(response, name);
  await response.discard();
  checkStored(response, digest, place.host);
}

/** What the registry says that it has stored must be what was sent. Another algorithm than the digest's says nothing. @throws REGISTRY_STORED */
export function checkStored(response: HttpResponse, digest: string, host: string): void {
  const said = response.header('docker-content-digest');
  const algorithm = digest.slice(0, digest.indexOf(':') + 1);
  if (said === undefined || said === digest || !said.startsWith(algorithm)) return;
  throw registryError('REGISTRY_STORED', { name: digest, host, got: foreignText(said, 150) });
}
