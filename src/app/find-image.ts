import { isDobosError } from '../base/errors.ts';
import type { CallOptions } from '../base/options.ts';
import { STEP_IMAGES } from '../build/step-images.ts';
import { type FoundImage, lookUpImage } from '../image/find-image.ts';
import { imageId } from '../image/image-id.ts';
import { listImages } from '../image/list-images.ts';
import { completeHistory } from '../image/pair-history.ts';
import { readImage } from '../image/read-image.ts';
import { sealImage } from '../image/seal-image.ts';
import type { Image } from '../image/types.ts';
import type { Platform } from '../oci/types.ts';
import type { LocalStore } from '../store/contract.ts';
import type { App } from './app.ts';
import { withoutTransport } from './image-names.ts';

export interface FindOptions extends CallOptions {
  /** Wanted of an index; when absent this machine's, or what is there of others. */
  readonly platform?: Platform | undefined;
}

/** The image that a name, an id or the beginning of an id means, and `NAME~N`; ids of the rows of `history` too, which are sealed on demand. @throws as `lookUpImage` */
export async function findImage(app: App, text: string, o: FindOptions = {}): Promise<Image> {
  return (await findNamedImage(app, text, o)).image;
}

/** As `findImage`, with how it was found. @throws as `lookUpImage` */
export async function findNamedImage(app: App, text: string, o: FindOptions = {}): Promise<FoundImage> {
  const store = await app.store();
  const platform = o.platform ?? app.settings.hostPlatform;
  try {
    return await lookUpImage(store, withoutTransport(text), {
      platform,
      orPresent: o.platform === undefined,
      signal: o.signal,
    });
  } catch (error) {
    if (!isDobosError(error, 'IMAGE_UNKNOWN')) throw error;
    const image = await findRow(app, store, text, o);
    if (image === undefined) throw error;
    return { image, target: image.descriptor };
  }
}

/** The image cut after so many rows and layers, the rest of its config from the whole image. */
export function cutImage(image: Image, rows: number, layers: number): Image {
  const history = completeHistory(image.config);
  if (rows === history.length) return image;
  return sealImage({ ...image.config, history: history.slice(0, rows) }, image.layers.slice(0, layers));
}

/** Every state that an image went through, newest first. */
export function* historyStates(image: Image): Iterable<Image> {
  const rows = completeHistory(image.config);
  for (let at = rows.length - 1; at > 0; at--) {
    const layers = rows.slice(0, at).filter((row) => row.empty_layer !== true).length;
    yield cutImage(image, at, Math.min(layers, image.layers.length));
  }
}

async function findRow(
  app: App,
  store: LocalStore,
  text: string,
  o: CallOptions,
): Promise<Image | undefined> {
  const hex = text.startsWith('sha256:') ? text.slice('sha256:'.length) : text;
  if (!/^[a-f0-9]{4,64}$/.test(hex)) return undefined;
  const platform = app.settings.hostPlatform;
  for await (const { targets } of store.roots.list(STEP_IMAGES, o)) {
    for (const target of targets) {
      if (!(await store.has(target, o))) continue;
      const step = await readImage(store, target, { platform });
      if (imageId(step).startsWith(`sha256:${hex}`)) return step;
    }
  }
  for await (const { image } of listImages(store, { platform, orPresent: true, signal: o.signal })) {
    for (const state of historyStates(image)) if (imageId(state).startsWith(`sha256:${hex}`)) return state;
  }
  return undefined;
}
