import { existsSync } from 'node:fs';
import { errorMaker } from '../base/errors.ts';
import type { CallOptions } from '../base/options.ts';
import { exploreImage } from '../explore/explore-image.ts';
import type { Exploration } from '../explore/types.ts';
import type { App } from './app.ts';
import { findImage } from './find-image.ts';
import { fullName } from './image-names.ts';

type ExploreErrors = {
  EXPLORE_WHICH: { path: string; names: readonly string[] };
};
const exploreError = errorMaker<ExploreErrors>({
  EXPLORE_WHICH: ({ path, names }) => ({
    message: `${path} holds ${names.length} images: ${names.join(', ')}`,
    hint: `name one behind a #: ${path}#${names[0]}`,
  }),
});

/** The report on an image of the store, or of an archive or layout on disk (`file.tar`, `file.tar#name` where it holds several), which is read where it lies. @throws IMAGE_UNKNOWN, EXPLORE_WHICH, and as `loadArchive` */
export async function exploreSource(app: App, name: string, o: CallOptions): Promise<Exploration> {
  const store = await app.store();
  const platform = app.settings.hostPlatform;
  const [, path = name, wanted] = /^(.*?)(?:#([^#]*))?$/s.exec(name) ?? [];
  if (!looksLikePath(path)) return exploreImage(store, await findImage(app, name, o), o);
  const { viewArchive } = await import('../image/view-archive.ts');
  const view = await viewArchive(store, path, { platform, signal: o.signal });
  try {
    const chosen =
      wanted === undefined
        ? view.images
        : view.images.filter(({ names }) => names.includes(fullName(wanted)));
    if (chosen.length !== 1) {
      throw exploreError('EXPLORE_WHICH', {
        path,
        names: view.images.map(({ names, image }) => names[0] ?? image.manifest.config.digest),
      });
    }
    return await exploreImage(view.store, chosen[0]!.image, o);
  } finally {
    await view.close();
  }
}

/** True for what can be no image name, and for files that are there. */
const looksLikePath = (text: string): boolean =>
  /^[./~]/.test(text) || (/\.(tar|tgz|tar\.\w+)$/.test(text) && existsSync(text));
