import { errorMaker } from '../base/errors.ts';
import { readImage } from '../image/read-image.ts';
import type { Image } from '../image/types.ts';
import type { Platform } from '../oci/types.ts';
import { copy } from '../store/copy.ts';
import type { App } from './app.ts';
import { type FindOrPullOptions, findOrPull } from './find-or-pull.ts';

type BaseErrors = {
  BASE_TRANSPORT: { name: string };
};
const baseError = errorMaker<BaseErrors>({
  BASE_TRANSPORT: ({ name }) => ({
    message: `"${name}" names a place that this version does not read`,
    hint: 'docker://NAME, oci:FOLDER[:TAG], oci-archive:FILE and docker-archive:FILE are read',
  }),
});

/** The image that FROM names: of the store, of a registry if the policy says so, of an OCI layout (`oci:`), or of an archive (`oci-archive:`, `docker-archive:`); the latter two are brought into the store. @throws BASE_TRANSPORT, as `findOrPull`, and as `loadArchive` */
export async function resolveBase(
  app: App,
  name: string,
  platform: Platform,
  o: Omit<FindOrPullOptions, 'platform'> = {},
): Promise<Image> {
  const transport = /^(oci|oci-archive|docker-archive|docker-daemon|dir):(.+)$/s.exec(name);
  if (transport?.[1] === 'oci') return fromLayout(app, transport[2]!, platform);
  if (transport?.[1]?.endsWith('-archive')) return fromArchive(app, transport[2]!, platform);
  if (transport !== null && /^(?:docker-daemon:|dir:)/.test(name))
    throw baseError('BASE_TRANSPORT', { name });
  return (await findOrPull(app, name, { ...o, platform })).image;
}

async function fromLayout(app: App, place: string, platform: Platform): Promise<Image> {
  const { createDirectoryStore } = await import('../store/directory-store.ts');
  const [, folder = place, tag] = /^(.*?)(?::([^/]+))?$/s.exec(place) ?? [];
  const layout = createDirectoryStore(folder);
  const name = tag ?? (await onlyName(layout.list())) ?? 'latest';
  const image = await readImage(layout, name, { platform });
  const store = await app.store();
  await copy(layout, store, image.descriptor);
  return readImage(store, image.descriptor, { platform });
}

async function onlyName(names: AsyncIterable<readonly [string, unknown]>): Promise<string | undefined> {
  const found: string[] = [];
  for await (const [name] of names) found.push(name);
  return found.length === 1 ? found[0] : undefined;
}

async function fromArchive(app: App, path: string, platform: Platform): Promise<Image> {
  const { loadArchive } = await import('../image/load-archive.ts');
  const store = await app.store();
  const [first, ...more] = await loadArchive(store, path, { platform, named: false });
  if (first === undefined || more.length > 0)
    throw baseError('BASE_TRANSPORT', { name: `${path} (${more.length + 1} images)` });
  return readImage(store, first.target, { platform });
}
