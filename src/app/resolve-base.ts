import { errorMaker } from '../base/errors.ts';
import { readImage } from '../image/read-image.ts';
import type { Image } from '../image/types.ts';
import type { Platform } from '../oci/types.ts';
import type { App } from './app.ts';
import { type FindOrPullOptions, findOrPull } from './find-or-pull.ts';

type BaseErrors = {
  BASE_TRANSPORT: { name: string };
};
const baseError = errorMaker<BaseErrors>({
  BASE_TRANSPORT: ({ name }) => ({
    message: `"${name}" names a place that this version does not read`,
    hint: 'docker://NAME, oci:FOLDER[:TAG][@DIGEST], oci-archive:FILE and docker-archive:FILE are read',
  }),
});

/** The image that FROM names: of the store, of a registry if the policy says so, of an OCI layout (`oci:`), or of an archive (`oci-archive:`, `docker-archive:`); the latter two are brought into the store. @throws BASE_TRANSPORT, BASE_LAYOUT, as `findOrPull`, and as `loadArchive` */
export async function resolveBase(
  app: App,
  name: string,
  platform: Platform,
  o: Omit<FindOrPullOptions, 'platform'> = {},
): Promise<Image> {
  const transport = /^(oci|oci-archive|docker-archive|docker-daemon|dir):(.+)$/s.exec(name);
  if (transport?.[1] === 'oci') {
    const { readLayoutBase } = await import('./layout-base.ts');
    return readLayoutBase(app, transport[2]!, platform);
  }
  if (transport?.[1]?.endsWith('-archive')) return fromArchive(app, transport[2]!, platform);
  if (transport !== null && /^(?:docker-daemon:|dir:)/.test(name))
    throw baseError('BASE_TRANSPORT', { name });
  return (await findOrPull(app, name, { ...o, platform })).image;
}

async function fromArchive(app: App, path: string, platform: Platform): Promise<Image> {
  const { loadArchive } = await import('../image/load-archive.ts');
  const store = await app.store();
  const [first, ...more] = await loadArchive(store, path, { platform, named: false });
  if (first === undefined || more.length > 0)
    throw baseError('BASE_TRANSPORT', { name: `${path} (${more.length + 1} images)` });
  return readImage(store, first.target, { platform });
}
