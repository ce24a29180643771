import { errorMaker } from '../base/errors.ts';
import { lookUpImage } from '../image/find-image.ts';
import { imageId } from '../image/image-id.ts';
import { UNTAGGED } from '../image/name-image.ts';
import { digestHex } from '../oci/digest.ts';
import { familiarName, parseReference } from '../oci/reference.ts';
import type { Digest } from '../oci/types.ts';
import type { App } from './app.ts';
import { fullName, namesOf, resolveOrNone } from './image-names.ts';

type RemoveErrors = {
  REMOVE_SEVERAL_NAMES: { id: string; names: readonly string[] };
};
const removeError = errorMaker<RemoveErrors>({
  REMOVE_SEVERAL_NAMES: ({ id, names }) => ({
    message: `image ${id.slice(7, 19)} has ${names.length} names: ${names.join(', ')}`,
    hint: 'remove one of the names, or all of them with --force',
  }),
});

export interface Removed {
  /** Familiar names that are gone. */
  readonly untagged: readonly string[];
  /** Id of the image, if no name is left. */
  readonly deleted: Digest | undefined;
}

/** Removes a name, or the image of an id with its name. Its blobs go with the next `collect`, unless the build cache uses them. @throws REMOVE_SEVERAL_NAMES, IMAGE_NOT_FOUND */
export async function removeImage(app: App, text: string, o: { readonly force: boolean }): Promise<Removed> {
  const store = await app.store();
  const asName = nameOrNone(text);
  const named = asName === undefined ? undefined : await resolveOrNone(store, asName);
  const platform = app.settings.hostPlatform;
  const found = await lookUpImage(store, text, { platform, orPresent: true }).catch((error: unknown) => {
    // A name of an image that is damaged can go all the same.
    if (named === undefined) throw error;
    return undefined;
  });
  const image = found?.image;
  // An id may be that of one platform's image of an index; `NAME~N` is no image of its own.
  const target = /~\d+$/.test(text) ? image?.descriptor : found?.target;
  const manifest = named?.digest ?? target!.digest;
  const names = named === undefined ? await namesOf(store, manifest) : [asName!];
  if (named === undefined && names.length > 1 && !o.force) {
    throw removeError('REMOVE_SEVERAL_NAMES', { id: imageId(image!), names: names.map(familiar) });
  }
  for (const name of names) await store.remove(name);
  const gone = (await namesOf(store, manifest)).length === 0;
  if (gone) await store.roots.remove(UNTAGGED, digestHex(manifest));
  return {
    untagged: names.map(familiar),
    deleted: gone ? (image === undefined ? manifest : imageId(image)) : undefined,
  };
}

const familiar = (name: string): string => familiarName(parseReference(name));

function nameOrNone(text: string): string | undefined {
  try {
    return fullName(text);
  } catch {
    return undefined;
  }
}
