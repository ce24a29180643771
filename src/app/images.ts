import { imageId } from '../image/image-id.ts';
import { readImage } from '../image/read-image.ts';
import type { Image } from '../image/types.ts';
import { familiarRepository, parseReference } from '../oci/reference.ts';
import type { Descriptor, Digest } from '../oci/types.ts';
import type { App } from './app.ts';
import { imageSize } from './layer-sizes.ts';
import { UNTAGGED } from './name-image.ts';

/** One row of `images`: one per name, or one for an image without a name. */
export interface ImageRow {
  /** Familiar form; `<none>` without a name. */
  readonly repository: string;
  readonly tag: string;
  /** Digest of the config. */
  readonly id: Digest;
  /** Digest of the manifest. */
  readonly digest: Digest;
  /** Epoch milliseconds; 0 if the image does not say. */
  readonly createdAt: number;
  /** Bytes of the files in its layers. */
  readonly size: number;
  /** A build step's image that was never named. */
  readonly intermediate: boolean;
}

export interface ImagesOptions {
  /** The images of build steps too. */
  readonly all: boolean;
  /** Only this repository, with a tag only that one. */
  readonly repository?: string | undefined;
  readonly dangling?: boolean | undefined;
}

/** The images of the store, newest first. */
export async function listImageRows(app: App, o: ImagesOptions): Promise<ImageRow[]> {
  const store = await app.store();
  const rows: ImageRow[] = [];
  const seen = new Set<Digest>();
  const wanted = o.repository === undefined ? undefined : parseReference(o.repository);
  const sizes = new Map<Digest, Promise<number>>();

  const add = async (target: Descriptor, name: string | undefined, intermediate: boolean): Promise<void> => {
    const reference = name === undefined ? undefined : parseReference(name);
    if (wanted !== undefined) {
      if (reference === undefined || familiarRepository(reference) !== familiarRepository(wanted)) return;
      if (wanted.tag !== undefined && reference.tag !== wanted.tag) return;
    }
    const image = await readImage(store, target, { platform: app.settings.hostPlatform });
    const id = imageId(image);
    seen.add(target.digest);
    let size = sizes.get(id);
    if (size === undefined) sizes.set(id, (size = imageSize(store, image)));
    rows.push({
      repository: reference === undefined ? '<none>' : familiarRepository(reference),
      tag: reference?.tag ?? '<none>',
      id,
      digest: target.digest,
      createdAt: createdAt(image),
      size: await size,
      intermediate,
    });
  };

  if (o.dangling !== true) for await (const [name, target] of store.list()) await add(target, name, false);
  else for await (const [, target] of store.list()) seen.add(target.digest);
  if (o.dangling !== false) await addRoots(UNTAGGED, false);
  if (o.all) await addRoots('step', true);
  return rows.sort((a, b) => b.createdAt - a.createdAt);

  async function addRoots(kind: string, intermediate: boolean): Promise<void> {
    for await (const { targets } of store.roots.list(kind)) {
      const [target] = targets;
      if (target === undefined || seen.has(target.digest) || !(await store.has(target))) continue;
      await add(target, undefined, intermediate);
    }
  }
}

/** Epoch milliseconds at which the image was made; 0 if it does not say. */
export function createdAt(image: Image): number {
  const time = Date.parse(image.config.created ?? '');
  return Number.isNaN(time) ? 0 : time;
}
