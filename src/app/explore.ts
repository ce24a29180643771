import { type OpenExploration, openExploration } from '../explore/explore-image.ts';
import type { Exploration } from '../explore/types.ts';
import type { LocalStore } from '../store/contract.ts';
import type { App } from './app.ts';
import { knownImages, readInstructions, recordedInstructions } from './explore-facts.ts';
import { openImage, type SourceOptions } from './image-source.ts';

export interface ExploreRequest extends SourceOptions {
  /** The Dockerfile whose lines explain the layers, instead of the record of the build. */
  readonly dockerfile?: string | undefined;
  readonly target?: string | undefined;
  /** Only files matter: bases, lines and equal files are not looked for. */
  readonly bare?: boolean | undefined;
  /** The digests of layers need not be proven: of an archive only the headers are read, where that is enough. */
  readonly unproven?: boolean | undefined;
  /** False: equal files are not looked for, which takes long in large images. */
  readonly duplicates?: boolean | undefined;
}

/** An explored image and what it is read from. */
export interface OpenSource {
  readonly exploration: OpenExploration;
  /** Of an archive: the names in it of what the image consists of. */
  readonly members: readonly string[];
  /** Where its layers are. */
  readonly store: LocalStore;
  /** After this nothing of it can be read any more. */
  close(): Promise<void>;
}

/** The report on an image, read where it lies (`parseSource` says how it is named). @throws as `openSource` */
export async function exploreSource(app: App, name: string, o: ExploreRequest): Promise<Exploration> {
  const { exploration, close } = await openSource(app, name, o);
  await close();
  return exploration.report;
}

/** The image explored, with its bases and the lines that made it, as far as they are known here. @throws EXPLORE_DOCKERFILE, and as `openImage` */
export async function openSource(app: App, name: string, o: ExploreRequest): Promise<OpenSource> {
  const given = o.dockerfile === undefined ? undefined : readInstructions(o.dockerfile, o.target);
  const { image, store, members = [], close } = await openImage(app, name, o);
  try {
    if (o.bare === true)
      return {
        exploration: await openExploration(store, image, { signal: o.signal, unproven: o.unproven }),
        members,
        store,
        close,
      };
    const [known, recorded] = await Promise.all([
      knownImages(app, o),
      given === undefined ? recordedInstructions(app, image.manifest.config.digest) : undefined,
    ]);
    const { signal, unproven, duplicates = true } = o;
    const source = given ?? recorded;
    const exploration = await openExploration(store, image, { known, source, duplicates, unproven, signal });
    return { exploration, members, store, close };
  } catch (error) {
    await close();
    throw error;
  }
}
