'../base/errors.ts';
import type { WatchOptions } from '../base/options.ts';
import type { Dockerfile, Range } from '../dockerfile/ast.ts';
import { parseDockerfile } from '../dockerfile/parse-dockerfile.ts';
import { formatSnippet } from '../dockerfile/snippet.ts';
import type { Http } from '../http/types.ts';
import type { Image } from '../image/types.ts';
import type { Annotations, Platform } from '../oci/types.ts';
import type { Keeper } from '../runtime/types.ts';
import type { LocalStore } from '../store/contract.ts';
import type { BuildEvent } from './build-events.ts';
import { openContext } from './context/open-context.ts';
import { type IgnoreFile, readForeignIgnoreFile, readIgnoreFile } from './context/read-ignore-file.ts';
import type { NamedContexts } from './context-names.ts';
import { buildError } from './errors.ts';
import type { StepSurroundings } from './execute-run.ts';
import type { BuildGraph, Step } from './graph.ts';
import { basesOf, planBuild } from './plan.ts';
import { atPlace } from './plan-errors.ts';
import type { BaseRequest, PlanOptions } from './plan-options.ts';
import { type BuildResult, type BuildTools, runBuild } from './run-build.ts';
import type { SquashWhat } from './squash-build.ts';
import { findMissingSecret, type StepSecrets } from './step-mounts.ts';
import type { LazyLayers, OpenedContext } from './step-run.ts';
import { unusedBuildArgs } from './unused-args.ts';

export interface ContextFolder {
  readonly folder: string;
  /** As `foreignContext`. */
  readonly foreign?: boolean | undefined;
}

export interface BuildImageOptions extends WatchOptions<BuildEvent> {
  readonly store: LocalStore;
  /** Undefined: the build has no context. */
  readonly contextFolder: string | undefined;
  /** It came from elsewhere (an archive, a repository): no link leads out of it, `dockerfilePath` is a path in it, and what its files hold is not remembered. */
  readonly foreignContext?: boolean | undefined;
  /** `--build-context` by key: what a name in FROM, --from and mounts means. */
  readonly contexts?: NamedContexts | undefined;
  /** The folders among them, by key. */
  readonly contextFolders?: ReadonlyMap<string, ContextFolder> | undefined;
  /** What the context is called between builds; its folder without it. */
  readonly contextName?: string | undefined;
  readonly dockerfileText: string;
  /** For messages. */
  readonly dockerfileName: string;
  /** Where it was read, if it was a file: a .dockerignore of its own may stand beside it. */
  readonly dockerfilePath?: string | undefined;
  readonly buildArgs?: ReadonlyMap<string, string> | undefined;
  readonly target?: string | undefined;
  readonly platform: Platform;
  readonly buildPlatform: Platform;
  readonly labels?: ReadonlyMap<string, string> | undefined;
  readonly network?: PlanOptions['network'];
  readonly allow?: PlanOptions['allow'];
  readonly secrets?: StepSecrets | undefined;
  readonly surroundings?: StepSurroundings | undefined;
  /** SOURCE_DATE_EPOCH in seconds; the build argument of that name counts too. */
  readonly epoch?: number | undefined;
  readonly useCache?: boolean | undefined;
  /** Stages (names, case aside, or numbers) whose steps run again whatever is kept. */
  readonly freshStages?: readonly string[] | undefined;
  /** Other stores with steps, asked for what this one lacks. */
  readonly caches?: readonly LocalStore[] | undefined;
  /** As `--squash` and `--squash-all`. */
  readonly squash?: SquashWhat | undefined;
  /** The store itself takes steps from elsewhere. */
  readonly borrows?: boolean | undefined;
  /** Build checks: all findings are told of (the default), only those that fail the build are looked for, or nothing is. */
  readonly checks?: 'all' | 'errors' | 'none' | undefined;
  /** Of the image's manifest. */
  readonly annotations?: Annotations | undefined;
  readonly parallel?: number | undefined;
  /** The image that a name in FROM means: of the store, a layout, an archive. */
  readonly resolveBase: (name: string, platform: Platform) => Promise<Image>;
  /** Layers of what `resolveBase` gave that are not in the store yet. */
  readonly lazy?: LazyLayers | undefined;
  /** False: layers that no step needed may stay where they are, and then the image is not kept. */
  readonly complete?: boolean | undefined;
  readonly keeper?: (() => Promise<Keeper>) | undefined;
  /** Keeps the image of what a failed RUN left. */
  readonly keepFailed?: BuildTools['keepFailed'];
  /** What ADD fetches URLs with; asked for once at most. */
  readonly http?: (() => Promise<Http>) | undefined;
  /** What the git program may have of the caller's environment: of these, only what it needs to reach other machines. */
  readonly gitEnv?: Readonly<Record<string, string | undefined>> | undefined;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

/** A build whose graph is known and of which nothing has run yet. */
export interface PlannedBuild {
  readonly graph: BuildGraph;
  /** @throws BUILD_… with the place in the Dockerfile, and errors of the store */
  run(): Promise<BuildResult>;
}

/**
 * The image that a Dockerfile describes, written to the store and not named.
 * @throws DOCKERFILE_…, PLAN_… and BUILD_… with the place in the Dockerfile, what `resolveBase` throws, and errors of the store
 */
export async function buildImage(o: BuildImageOptions): Promise<BuildResult> {
  return (await planImage(o)).run();
}

/** Reads the Dockerfile and its bases. @throws DOCKERFILE_…, PLAN_… and what `resolveBase` throws */
export async function planImage(o: BuildImageOptions): Promise<PlannedBuild> {
  const text = o.dockerfileText;
  const placeOf = (range: Range) => ({
    file: o.dockerfileName,
    line: range.start.line,
    snippet: formatSnippet(text, range),
  });
  const buildArgs = o.buildArgs ?? new Map<string, string>();
  const epoch = o.epoch ?? parseEpoch(buildArgs.get('SOURCE_DATE_EPOCH'));
  const file = parseDockerfile(text);
  for (const name of unusedBuildArgs(file, buildArgs.keys())) {
    o.onEvent?.({
      kind: 'warning',
      message: `--build-arg ${name} is not used: no ARG of the Dockerfile declares it`,
    });
  }
  const planOptions: PlanOptions = {
    buildArgs,
    target: o.target,
    platform: o.platform,
    buildPlatform: o.buildPlatform,
    labels: o.labels,
    network: o.network,
    allow: o.allow,
    epoch,
    fileName: o.dockerfileName,
    contexts: o.contexts,
  };
  const { bases, mismatches } = await resolveBases(file, planOptions, o, placeOf);
  const graph = planBuild(file, bases, planOptions);
  const ignore = readIgnore(o);
  if (isChecked(file, o)) {
    const { lintError, lintPlan, startsOf } = await import('./lint-plan.ts');
    const found = lintPlan({
      file,
      options: planOptions,
      starts: startsOf(graph),
      bases,
      ignoreText: ignore?.text,
    });
    const error = lintError(file, found, placeOf);
    if (found.findings.length > 0) {
      o.onEvent?.({ kind: 'findings', findings: found.findings, file: { name: o.dockerfileName, text } });
    }
    if (error !== undefined) throw error;
  }
  // Of those that a stage starts from the build checks tell.
  const started = new Set(
    graph.steps.flatMap((step) => (step.implied || step.op.kind !== 'base' ? [] : step.op.name)),
  );
  for (const { key, message, line } of mismatches) {
    if (!started.has(key)) o.onEvent?.({ kind: 'warning', message, line });
  }
  for (const { message, range } of graph.warnings ?? []) {
    o.onEvent?.({ kind: 'warning', message, line: range.start.line });
  }
  const unknown = (o.freshStages ?? []).find((name) => !graph.steps.some((step) => isStage(step, name)));
  if (unknown !== undefined) {
    const message = `--no-cache-filter ${unknown} is not used: no stage of this build has that name`;
    o.onEvent?.({ kind: 'warning', message });
  }
  return { graph, run: () => runPlanned(o, graph, bases, ignore, epoch, placeOf) };
}

async function runPlanned(
  o: BuildImageOptions,
  graph: BuildGraph,
  bases: ReadonlyMap<string, Image>,
  ignore: IgnoreFile | undefined,
  epoch: number | undefined,
  placeOf: (range: Range) => Place,
): Promise<BuildResult> {
  o.onEvent?.({ kind: 'planned', graph });
  // Before anything runs, and although a cache might know the step: what a build needs does not depend on what is kept.
  const lacking = findMissingSecret(graph.steps, o.secrets ?? { secrets: new Map(), agents: new Map() });
  if (lacking !== undefined) throw atPlace(lacking.error, placeOf(lacking.step.origin), undefined);
  const context =
    o.contextFolder === undefined
      ? undefined
      : openContext(o.contextFolder, {
          ignoreText: ignore?.text,
          notes: o.foreignContext ? undefined : o.store.notes,
          now: o.now,
        });
  const contexts = new Map<string, OpenedContext>();
  for (const [key, { folder, foreign }] of o.contextFolders ?? [])
    contexts.set(key, openNamed(folder, foreign, o));
  const { os, architecture, variant } = o.platform;
  try {
    return await runBuild(
      graph,
      {
        store: o.store,
        bases,
        context,
        contexts,
        ignoreName: ignore?.name ?? '.dockerignore',
        keeper: o.keeper ?? noKeeper,
        keepFailed: o.keepFailed,
        secrets: o.secrets,
        surroundings: o.surroundings,
        http: o.http,
        gitEnv: o.gitEnv,
        now: o.now,
        epoch,
        useCache: o.useCache ?? true,
        caches: o.caches,
        borrows: o.borrows,
        isFresh: (step) => (o.freshStages ?? []).some((name) => isStage(step, name)),
        squash: o.squash,
        annotations: o.annotations,
        platform: graph.platform,
        lazy: o.lazy,
        complete: o.complete,
        parallel: o.parallel,
        identity: JSON.stringify([
          o.dockerfilePath ?? o.dockerfileName,
          o.contextName ?? context?.folder ?? '',
          o.target ?? '',
          [os, architecture, variant ?? ''],
        ]),
        placeOf: (step) => placeOf(step.origin),
      },
      o,
    );
  } finally {
    await Promise.all(
      [context, ...[...contexts.values()].map((named) => named.context)].map((each) => each?.close()),
    );
  }
}

/** The rules of the build's own context. */
function readIgnore({
  contextFolder,
  foreignContext,
  dockerfilePath,
}: ContextOptions): IgnoreFile | undefined {
  if (contextFolder === undefined) return undefined;
  const read = foreignContext ? readForeignIgnoreFile : readIgnoreFile;
  return read(contextFolder, dockerfilePath);
}

type ContextOptions = Pick<BuildImageOptions, 'contextFolder' | 'foreignContext' | 'dockerfilePath'>;

/** Whether the build checks can have an effect. */
function isChecked({ directives }: Dockerfile, { checks = 'all', buildArgs }: BuildImageOptions): boolean {
  if (checks !== 'errors') return checks === 'all';
  return (
    buildArgs?.has('BUILDKIT_DOCKERFILE_CHECK') === true || directives.some(({ name }) => name === 'check')
  );
}

/** A named context obeys its own .dockerignore. */
function openNamed(folder: string, foreign: boolean | undefined, o: BuildImageOptions): OpenedContext {
  const ignore = foreign ? readForeignIgnoreFile(folder) : readIgnoreFile(folder);
  const notes = foreign ? undefined : o.store.notes;
  return {
    context: openContext(folder, { ignoreText: ignore?.text, notes, now: o.now }),
    ignoreName: ignore?.name ?? '.dockerignore',
  };
}

interface Place {
  readonly file: string;
  readonly line: number;
  readonly snippet: string;
}

/** True if the word names the step's stage: by name, case aside, or by number. */
function isStage({ stage }: Step, word: string): boolean {
  return stage.name.toLowerCase() === word.toLowerCase() || String(stage.index) === word;
}

/** A base for another platform than the one wanted. */
interface Mismatch {
  readonly key: string;
  readonly message: string;
  readonly line: number;
}

async function resolveBases(
  file: Dockerfile,
  planOptions: PlanOptions,
  o: BuildImageOptions,
  placeOf: (range: Range) => Place,
): Promise<{ readonly bases: Map<string, Image>; readonly mismatches: readonly Mismatch[] }> {
  const bases = new Map<string, Image>();
  const mismatches: Mismatch[] = [];
  const resolveOne = async ({ key, name, platform, origin, nearStage }: BaseRequest): Promise<void> => {
    try {
      const base = await o.resolveBase(name, platform);
      bases.set(key, base);
      const { os, architecture } = base.config;
      if (os === platform.os && architecture === platform.architecture) return;
      const message = `${name} is for ${os}/${architecture}, wanted ${platform.os}/${platform.architecture}`;
      mismatches.push({ key, message, line: origin.start.line });
    } catch (error) {
      const near = nearStage === undefined ? undefined : `did you mean the stage ${nearStage}?`;
      throw atPlace(error, placeOf(origin), near);
    }
  };
  // Triggers of a base may copy from images that nobody knew of before.
  for (;;) {
    o.signal?.throwIfAborted();
    const wanted = basesOf(file, planOptions, bases).filter(({ key }) => !bases.has(key));
    if (wanted.length === 0) return { bases, mismatches };
    await Promise.all(wanted.map(resolveOne));
  }
}

/** Seconds of a SOURCE_DATE_EPOCH; an empty one is none. @throws BUILD_EPOCH_INVALID */
function parseEpoch(text: string | undefined): number | undefined {
  if (text === undefined || text === '') return undefined;
  const seconds = Number(text);
  // Dates of images are RFC 3339: they end with the year 9999.
  if (!/^\d+$/.test(text) || seconds > 253_402_300_799) throw buildError('BUILD_EPOCH_INVALID', { text });
  return seconds;
}

async function noKeeper(): Promise<Keeper> {
  throw buildError('BUILD_NO_KEEPER', {});
}
