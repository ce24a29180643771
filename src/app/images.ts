import { isDobosError } from '../base/errors.ts';
import { compileGlob } from '../dockerfile/glob.ts';
import { type ListedImage, listImages } from '../image/list-images.ts';
import type { Image } from '../image/types.ts';
import { familiarName, familiarRepository, parseReference, type Reference } from '../oci/reference.ts';
import type { Descriptor, Digest } from '../oci/types.ts';
import type { App } from './app.ts';
import { findImage } from './find-image.ts';
import { imageSize } from './layer-sizes.ts';
import { type FilterKinds, labelFilter, readFilters, truthFilter, untilFilter } from './list-filters.ts';

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
  /** `key=value`, as docker has them. */
  readonly filters?: readonly string[] | undefined;
  /** Told of images that cannot be read. */
  readonly onBroken?:
    | ((broken: {
        readonly names: readonly string[];
        readonly target: Descriptor;
        readonly error: unknown;
      }) => void)
    | undefined;
}

/** The images of the store, newest first. @throws OCI_REFERENCE_INVALID, LIST_FILTER, IMAGE_UNKNOWN of `before` and `since` */
export async function listImageRows(app: App, o: ImagesOptions): Promise<ImageRow[]> {
  const store = await app.store();
  const fits = await readFilters(o.filters ?? [], filterKinds(app));
  const wanted = o.repository === undefined ? undefined : parseReference(o.repository);
  const rows: ImageRow[] = [];
  for await (const listed of listImages(store, {
    all: o.all,
    platform: app.settings.hostPlatform,
    orPresent: true,
    onBroken: o.onBroken,
  })) {
    const references = referencesOf(listed, wanted).filter((reference) => fits({ listed, reference }));
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

/** One row in the making. */
interface Named {
  readonly listed: ListedImage;
  readonly reference: Reference | undefined;
}

function filterKinds(app: App): FilterKinds<Named> {
  const madeAt = ({ listed }: Named): number => createdAt(listed.image);
  const nearby = (
    key: 'before' | 'since',
    fits: (own: number, other: number) => boolean,
  ): FilterKinds<Named>[string] => ({
    form: `${key}=IMAGE`,
    async read(value) {
      const other = createdAt(await findImage(app, value));
      return (named) => fits(madeAt(named), other);
    },
  });
  return {
    dangling: truthFilter('dangling', ({ reference }) => reference === undefined),
    label: labelFilter(({ listed }) => listed.image.config.config?.Labels),
    before: nearby('before', (own, other) => own < other),
    since: nearby('since', (own, other) => own > other),
    until: untilFilter(app.settings.now(), madeAt),
    reference: {
      form: 'reference=PATTERN',
      read(value) {
        const pattern = compileGlob(value);
        if (pattern === undefined) return 'it is no pattern';
        // With the tag or without.
        return ({ reference }) =>
          reference !== undefined &&
          (pattern.matches(familiarName(reference)) || pattern.matches(familiarRepository(reference)));
      },
    },
  };
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
