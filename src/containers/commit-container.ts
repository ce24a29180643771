import type { CallOptions } from '../base/options.ts';
import { appendLayer, editConfig } from '../image/edit-config.ts';
import { readImage } from '../image/read-image.ts';
import { sealImage } from '../image/seal-image.ts';
import type { Image } from '../image/types.ts';
import { writeImage } from '../image/write-image.ts';
import { openLayer } from '../layer/open-layer.ts';
import type { ContainerConfig, HistoryEntry, Platform } from '../oci/types.ts';
import type { Keeper } from '../runtime/types.ts';
import type { LocalStore } from '../store/contract.ts';
import type { ContainerRecords } from './container-records.ts';
import { rootOfContainer } from './run-container.ts';
import type { Container } from './types.ts';

export interface CommitRequest extends CallOptions {
  /** How containers of the new image run. */
  readonly config: ContainerConfig;
  readonly message?: string | undefined;
  readonly author?: string | undefined;
  /** Epoch milliseconds. */
  readonly createdAt: number;
  /** Epoch seconds: later times of files become this one. */
  readonly epoch?: number | undefined;
  readonly platform: Platform;
}

export interface Committed {
  readonly image: Image;
  /** The image that the container was made from. */
  readonly base: Image;
  /** False: the image shows the files of its base, and has no more layers. */
  readonly changed: boolean;
}

/** The container's image with what the container changed as one more layer, in the store without a name. The container goes on, also if it runs. @throws STORE_NOT_FOUND, ROOTFS_…, LAYER_… */
export async function commitContainer(
  tools: {
    readonly store: LocalStore;
    readonly records: ContainerRecords;
    readonly keeper: () => Promise<Keeper>;
  },
  container: Container,
  o: CommitRequest,
): Promise<Committed> {
  const { store, records } = tools;
  const { signal, epoch, author, message } = o;
  const base = await readImage(store, container.image.manifest, { platform: o.platform, orPresent: true });
  const keeper = await tools.keeper();
  const layer = await keeper.commitRoot(rootOfContainer(records, container), { signal, epoch });
  const created = new Date(o.createdAt).toISOString();
  const row: HistoryEntry = {
    created,
    created_by: container.process.args.join(' '),
    ...(author !== undefined && { author }),
    ...(message !== undefined && { comment: message }),
  };
  const grown =
    layer === undefined
      ? editConfig(base, (config) => config, row)
      : appendLayer(base, openLayer(store, layer.blob, layer.diffId), row);
  const config = { ...grown.config, created, ...(author !== undefined && { author }), config: o.config };
  const image = sealImage(config, grown.layers);
  await writeImage(store, image, { signal });
  return { image, base, changed: layer !== undefined };
}
