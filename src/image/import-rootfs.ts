import type { ByteStream } from '../base/bytes.ts';
import { isDobosError } from '../base/errors.ts';
import type { CallOptions } from '../base/options.ts';
import { decompress } from '../compress/decompress.ts';
import { openLayer } from '../layer/open-layer.ts';
import { OCI_LAYER_TAR } from '../oci/media-types.ts';
import type { ContainerConfig, ImageConfig, Platform } from '../oci/types.ts';
import type { LocalStore } from '../store/contract.ts';
import { createTarDecoder } from '../tar/decoder.ts';
import { imageError } from './errors.ts';
import { sealImage } from './seal-image.ts';
import type { Image } from './types.ts';
import { writeImage } from './write-image.ts';

export interface ImportOptions extends CallOptions {
  readonly platform: Platform;
  /** How containers of the image run: what `--change` instructions come to. */
  readonly config?: ContainerConfig | undefined;
  /** Comment of the one row of history; `Imported from SOURCE` when absent. */
  readonly message?: string | undefined;
  /** For the default comment; `-` when absent. */
  readonly source?: string | undefined;
  /** RFC 3339; the image has no time when absent. */
  readonly created?: string | undefined;
}

/** The image whose one layer is this tar, stored byte for byte but uncompressed; config and manifest are stored too, a name is the caller's. @throws IMPORT_NOT_TAR, COMPRESS_ errors, and those of the store */
export async function importRootfs(store: LocalStore, tar: ByteStream, o: ImportOptions): Promise<Image> {
  const lease = await store.lease();
  try {
    const blob = await store.ingest(checkTar(decompress(tar, undefined, o)), OCI_LAYER_TAR, o);
    const layer = openLayer(store, blob, blob.digest);
    const created = o.created === undefined ? {} : { created: o.created };
    const comment = o.message ?? `Imported from ${o.source ?? '-'}`;
    const { os, architecture, variant } = o.platform;
    const config: ImageConfig = {
      ...created,
      architecture,
      os,
      ...(variant !== undefined && { variant }),
      config: o.config ?? {},
      rootfs: { type: 'layers', diff_ids: [] },
      history: [{ ...created, comment }],
    };
    const image = sealImage(config, [layer]);
    await writeImage(store, image, o);
    return image;
  } finally {
    await lease.release();
  }
}

/** The same bytes; fails unless they are one tar archive with at least one entry. */
async function* checkTar(bytes: ByteStream): ByteStream {
  let entries = 0;
  const decoder = createTarDecoder({ onEntry: () => void entries++ });
  const checked = (work: () => void): void => {
    try {
      work();
    } catch (error) {
      if (!isDobosError(error)) throw error;
      throw imageError('IMPORT_NOT_TAR', { why: error.message }, { cause: error });
    }
  };
  for await (const chunk of bytes) {
    checked(() => decoder.write(chunk));
    yield chunk;
  }
  checked(() => decoder.end());
  if (entries === 0) throw imageError('IMPORT_NOT_TAR', { why: 'it has no entries' });
}
