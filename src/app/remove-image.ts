import { errorMaker } from '../base/errors.ts';
import { lookUpImage } from '../image/find-image.ts';
import { imageId } from '../image/image-id.ts';
import { UNTAGGED } from '../image/name-image.ts';
import type { Image } from '../image/types.ts';
import { digestHex } from '../oci/digest.ts';
import { familiarName, parseReference } from '../oci/reference.ts';
import type { Digest } from '../oci/types.ts';
import type { App } from './app.ts';
import { fullName, namesOf, resolveOrNone } from './image-names.ts';

type RemoveErrors = {
  REMOVE_SEVERAL_NAMES: { id: string; names: readonly string[] };
  REMOVE_IN_USE: { name: string; containers: readonly string[] };
};
const removeError = errorMaker<RemoveErrors>({
  REMOVE_SEVERAL_NAMES: ({ id, names }) => ({
    message: `image ${id.slice(7, 19)} has ${names.length} names: ${names.join(', ')}`,
    hint: 'remove one of the names, or all of them with --force',
  }),
  REMOVE_IN_USE: ({ name, containers }) => ({
    message: `image ${name} is used by ${containers.length === 1 ? 'container' : 'containers'} ${containers.join(', ')}`,
    hint: 'remove that first (dobos rm), or take the name away all the same with --force: the files stay as long as the container',
  }),
});

export interface Removed {
  /** Familiar names that are gone. */
  readonly untagged: readonly string[];
  /** Id of the image, if no name is left. */
  readonly deleted: Digest | undefined;
}

/** Removes a name, or the image of an id with its name. Its blobs go with the next `collect`, unless the build cache or a container uses them. @throws REMOVE_SEVERAL_NAMES, REMOVE_IN_USE, IMAGE_UNKNOWN */
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
  const left = (await namesOf(store, manifest)).filter((name) => !names.includes(name));
  if (left.length === 0 && !o.force && image !== undefined) {
    const containers = await usersOf(app, image);
    if (containers.length > 0) throw removeError('REMOVE_IN_USE', { name: text, containers });
  }
  for (const name of names) await store.remove(name);
  const gone = (await namesOf(store, manifest)).length === 0;
  if (gone) await store.roots.remove(UNTAGGED, digestHex(manifest));
  return {
    untagged: names.map(familiar),
    deleted: gone ? (image === undefined ? manifest : imageId(image)) : undefined,
  };
}

/** Names of the containers that were made from the image. */
async function usersOf(app: App, image: Image): Promise<string[]> {
  const { openContainers } = await import('./containers.ts');
  const { records } = await openContainers(app);
  const all = await records.list();
  const { digest } = image.descriptor;
  return all.filter((each) => each.image.manifest.digest === digest).map(({ name }) => name);
}

const familiar = (name: string): string => familiarName(parseReference(name));

function nameOrNone(text: string): string | undefined {
  try {
    return fullName(text);
  } catch {
    return undefined;
  }
}
