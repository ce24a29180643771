import type { Http } from '../http/types.ts';
import type { Image } from '../image/types.ts';
import type { Platform } from '../oci/types.ts';
import type { Keeper } from '../runtime/types.ts';
import type { LocalStore } from '../store/contract.ts';
import type { BuildEvent, StepReport } from './build-events.ts';
import type { Context } from './context/open-context.ts';
import type { StepSurroundings } from './execute-run.ts';
import type { Step } from './graph.ts';
import type { ImageView } from './image-view.ts';
import type { LastBuild } from './last-build.ts';
import type { GitEnvironment } from './remote/git-program.ts';
import type { ImageDigests, MadeFrom, StepRecord } from './step-cache.ts';
import type { StepKey } from './step-key.ts';
import type { StepSecrets } from './step-mounts.ts';

/** What the steps of a build work with: tools from outside, what they share, what one leaves for the next. */
export interface StepTools {
  readonly store: LocalStore;
  /** The images that the graph starts from, by the name in its base ops. */
  readonly bases: ReadonlyMap<string, Image>;
  readonly context: Context | undefined;
  /** Named contexts that are folders, by key. */
  readonly contexts?: ReadonlyMap<string, OpenedContext> | undefined;
  /** What the ignore file is called, for messages. */
  readonly ignoreName: string;
  readonly keeper: () => Promise<Keeper>;
  /** What `RUN --mount=type=secret` and `type=ssh` may have. */
  readonly secrets?: StepSecrets | undefined;
  readonly surroundings?: StepSurroundings | undefined;
  /** What ADD fetches URLs with. */
  readonly http?: (() => Promise<Http>) | undefined;
  /** What the git program may have of the caller's environment. */
  readonly gitEnv?: GitEnvironment | undefined;
  /** Keeps the image of what a failed RUN left; told of the first that failed. Without it nothing is kept. */
  readonly keepFailed?: ((step: Step, image: Image) => Promise<void>) | undefined;
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** SOURCE_DATE_EPOCH in seconds: dates the history and clamps the times of files. */
  readonly epoch?: number | undefined;
  /** False: every step runs, and what it gives replaces what is kept. */
  readonly useCache: boolean;
  /** Other stores with steps, asked in order for what this one lacks. */
  readonly caches?: readonly LocalStore[] | undefined;
  /** The store itself takes steps from elsewhere. */
  readonly borrows?: boolean | undefined;
  /** Steps that run again whatever is kept, and with them those that stand on them. */
  readonly isFresh?: ((step: Step) => boolean) | undefined;
  readonly platform: Platform;
  /** Layers of bases that are elsewhere; all are in the store without it. */
  readonly lazy?: LazyLayers | undefined;
}

/** Layers that are fetched when something needs them: configuration and `COPY --link` do not. */
export interface LazyLayers {
  /** True while layers of the image are elsewhere. */
  isMissing(image: Image): boolean;
  /** Brings them into the store. @throws what fetching throws */
  bring(image: Image): Promise<void>;
}

/** A folder to copy from. */
export interface OpenedContext {
  readonly context: Context | undefined;
  /** What its ignore file is called, for messages. */
  readonly ignoreName: string;
}

/** What the steps of one run share. */
export interface StepRun {
  readonly tools: StepTools;
  readonly last: LastBuild | undefined;
  /** Instructions of the whole graph as their keys spell them. */
  readonly instructions: () => readonly string[];
  /** Runs `work` for `id` once, also if two steps of the graph are the same. */
  once(id: string, work: () => Promise<StepRecord>): Promise<StepRecord>;
  /** Holds a lease before the first write, and one of the places for work. */
  working<T>(work: () => Promise<T>): Promise<T>;
  /** True if no RUN of the graph comes behind the step. */
  isLastRun(step: Step): boolean;
  /** True if a RUN stands on the step: when it is made anew, that runs too. */
  isUnderRun(step: Step): boolean;
  /** Writes the step's image and result in the background. */
  keep(step: Step, id: string, image: Image, record: StepRecord, from: MadeFrom): void;
  /** Calls back when all that was to be kept so far is written, or cannot be. */
  afterKept(done: () => void): void;
  emit(event: BuildEvent): void;
}

/** A step that is done. */
export interface StepState {
  readonly step: Step;
  readonly key: StepKey;
  readonly image: Image;
  /** Of the image, without its documents where they are known to be the same again. */
  readonly digests: ImageDigests;
  readonly report: StepReport;
  /** It ran because it had to, whatever is kept. */
  readonly fresh: boolean;
  /** The files of its image; read when first asked for. */
  view(): Promise<ImageView>;
}

/** What a graph promises: steps have the inputs that they name, bases are given. */
export function known<T>(value: T | undefined): T {
  if (value === undefined) throw new TypeError('the graph names something that was not given');
  return value;
}
