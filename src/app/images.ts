import { isDobosError } from '../base/errors.ts';
import { type ListedImage, listImages } from '../image/list-images.ts';
import type { Image } from '../image/types.ts';
import { familiarRepository, parseReference, type Reference } from '../oci/reference.ts';
import type { Descriptor, Digest } from '../oci/types.ts';
import type { App } from './app.ts';
import { imageSize } from './layer-sizes.ts';

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
}

export interface ImagesOptions {
  /** The images of build steps too. */
  readonly all: boolean;
  /** Only this repository, with a tag only that one. */
  readonly repository?: string | undefined;
  /** Only images without a name (true) or with one (false). */
  readonly dangling?: boolean | undefined;
  /** Told of images that cannot be read. */
  readonly onBroken?:
    | ((broken: {
        readonly names: readonly string[];
        readonly target: Descriptor;
        readonly error: unknown;
      }) => void)
    | undefined;
}

/** The images of the store, newest first. @throws OCI_REFERENCE_INVALID */
export async function listImageRows(app: App, o: ImagesOptions): Promise<ImageRow[]> {
  const store = await app.store();
  const wanted = o.repository === undefined ? undefined : parseReference(o.repository);
  const rows: ImageRow[] = [];
  for await (const listed of listImages(store, {
    all: o.all,
    platform: app.settings.hostPlatform,
    orPresent: true,
    onBroken: o.onBroken,
  })) {
    const references = referencesOf(listed, wanted);
    if (o.dangling === true ? listed.names.length > 0 : o.dangling === false && listed.names.length === 0)
      continue;
    if (references.length === 0) continue;
    const { names, target } = listed;
    const size = await imageSize(store, listed.image).catch((error: unknown) => {
      if (o.onBroken === undefined || !isDobosError(error)) throw error;
      o.onBroken({ names, target, error });
      return undefined;
    });
    if (size === undefined) continue;
    const facts = { id: listed.id, digest: target.digest, createdAt: createdAt(listed.image), size };
    for (const reference of references) {
      const repository = reference === undefined ? '<none>' : familiarRepository(reference);
      rows.push({ repository, tag: reference?.tag ?? '<none>', ...facts });
    }
  }
  return rows.sort((a, b) => b.createdAt - a.createdAt);
}

/** The names to show, `undefined` for an image without one; empty if it is not asked for. */
function referencesOf(
  listed: ListedImage,
  wanted: Reference | undefined,
): readonly (Reference | undefined)[] {
  if (wanted === undefined) return listed.names.length === 0 ? [undefined] : listed.names.map(parseReference);
  return listed.names
    .map(parseReference)
    .filter(
      (reference) =>
        familiarRepository(reference) === familiarRepository(wanted) &&
        (wanted.tag === undefined || reference.tag === wanted.tag),
    );
}

/** Epoch milliseconds at which the image was made; 0 if it does not say. */
export function createdAt(image: Image): number {
  const time = Date.parse(image.config.created ?? '');
  return Number.isNaN(time) ? 0 : time;
}
