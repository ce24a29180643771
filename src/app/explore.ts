import { existsSync } from 'node:fs';
import { errorMaker } from '../base/errors.ts';
import type { CallOptions } from '../base/options.ts';
import { type OpenExploration, openExploration } from '../explore/explore-image.ts';
import type { Exploration } from '../explore/types.ts';
import type { Image } from '../image/types.ts';
import type { LocalStore } from '../store/contract.ts';
import type { App } from './app.ts';
import { knownImages, readInstructions, recordedInstructions } from './explore-facts.ts';
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

export interface ExploreRequest extends CallOptions {
  /** The Dockerfile whose lines explain the layers, instead of the record of the build. */
  readonly dockerfile?: string | undefined;
  readonly target?: string | undefined;
}

/** An explored image and what it is read from. */
export interface OpenSource {
  readonly exploration: OpenExploration;
  /** Where its layers are. */
  readonly store: LocalStore;
  /** After this nothing of it can be read any more. */
  close(): Promise<void>;
}

/** The report on an image of the store, or of an archive or layout on disk (`file.tar`, `file.tar#name` where it holds several), which is read where it lies. @throws as `openSource` */
export async function exploreSource(app: App, name: string, o: ExploreRequest): Promise<Exploration> {
  const { exploration, close } = await openSource(app, name, o);
  await close();
  return exploration.report;
}

/** The image explored, with its bases and the lines that made it, as far as they are known here. @throws IMAGE_UNKNOWN, EXPLORE_WHICH, EXPLORE_DOCKERFILE, and as `loadArchive` */
export async function openSource(app: App, name: string, o: ExploreRequest): Promise<OpenSource> {
  const given = o.dockerfile === undefined ? undefined : readInstructions(o.dockerfile, o.target);
  const { image, store, close } = await openImage(app, name, o);
  try {
    const [known, recorded] = await Promise.all([
      knownImages(app, o),
      given === undefined ? recordedInstructions(app, image.manifest.config.digest) : undefined,
    ]);
    const { signal } = o;
    const source = given ?? recorded;
    const exploration = await openExploration(store, image, { known, source, duplicates: true, signal });
    return { exploration, store, close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function openImage(
  app: App,
  name: string,
  o: CallOptions,
): Promise<{ readonly image: Image; readonly store: LocalStore; close(): Promise<void> }> {
  const store = await app.store();
  const platform = app.settings.hostPlatform;
  const [, path = name, wanted] = /^(.*?)(?:#([^#]*))?$/s.exec(name) ?? [];
  if (!looksLikePath(path)) return { image: await findImage(app, name, o), store, close: async () => {} };
  const { viewArchive } = await import('../image/view-archive.ts');
  const view = await viewArchive(store, path, { platform, signal: o.signal });
  const chosen =
    wanted === undefined ? view.images : view.images.filter(({ names }) => names.includes(fullName(wanted)));
  if (chosen.length !== 1) {
    await view.close();
    throw exploreError('EXPLORE_WHICH', {
      path,
      names: view.images.map(({ names, image }) => names[0] ?? image.manifest.config.digest),
    });
  }
  return { image: chosen[0]!.image, store: view.store, close: () => view.close() };
}

/** True for what can be no image name, and for files that are there. */
const looksLikePath = (text: string): boolean =>
  /^[./~]/.test(text) || (/\.(tar|tgz|tar\.\w+)$/.test(text) && existsSync(text));
