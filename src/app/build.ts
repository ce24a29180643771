import type { ByteStream } from '../base/bytes.ts';
import { isDobosError } from '../base/errors.ts';
import type { WatchOptions } from '../base/options.ts';
import type { BuildEvent } from '../build/build-events.ts';
import { type PlannedBuild, planImage } from '../build/build-image.ts';
import type { BuildGraph } from '../build/graph.ts';
import type { BuildResult } from '../build/run-build.ts';
import type { BuildSquash } from '../build/squash-build.ts';
import { keepUntagged, nameImage } from '../image/name-image.ts';
import type { Pushed } from '../image/push-image.ts';
import { type IndexEntry, writeIndex } from '../image/write-index.ts';
import { formatPlatform } from '../oci/platform.ts';
import type { Descriptor, Platform } from '../oci/types.ts';
import type { App } from './app.ts';
import { splitPair } from './build-arguments.ts';
import { type OpenedCaches, openCaches, writeCaches } from './build-caches.ts';
import type { OutputPush } from './build-outputs.ts';
import { type BuildPlace, openBuildPlace, type PlaceOptions } from './build-place.ts';
import { type BuildRequest, type ReadRequest, readBuildRequest } from './build-request.ts';
import { checkEmulation } from './check-emulation.ts';
import { createLazyBases } from './lazy-bases.ts';
import { type OpenedContexts, openNamedContexts } from './named-contexts.ts';
import { nameEvent, namePlatform, nameSteps } from './platform-steps.ts';
import type { PushNotice } from './push.ts';
import { type RecordDoors, type Recorded, recordBuild } from './record-build.ts';
import { resolveBase } from './resolve-base.ts';
import { warnOfExecutor } from './warn-of-executor.ts';
import { writeOutputs } from './write-outputs.ts';

export interface BuildDoors extends WatchOptions<BuildEvent>, RecordDoors {
  /** Where outputs to `-` go; they are refused without it. */
  readonly stdout?: ((bytes: Uint8Array) => Promise<void>) | undefined;
  /** What `-` reads. */
  readonly stdin?: (() => ByteStream) | undefined;
  readonly onPush?: ((notice: PushNotice) => void) | undefined;
}

export interface Built extends Omit<BuildResult, 'squashed'> {
  readonly graph: BuildGraph;
  /** Full names that it has now. */
  readonly names: readonly string[];
  /** What the names point at: the manifest, or the index over several platforms. */
  readonly target: Descriptor;
  /** What the registry has of it, if it was pushed: the same image with compressed layers. */
  readonly pushed: Descriptor | undefined;
  readonly platforms: readonly Platform[];
  /** False: nobody gets the image (`type=cacheonly`), and layers of its base may not be here. */
  readonly kept: boolean;
  /** One a platform, of a build that squashes. */
  readonly squashes: readonly BuildSquash[];
}

/** Builds an image from a folder and its Dockerfile, names it and writes it where it is to go; without a name it stays as `<none>`. @throws as `buildImage`, and BUILD_CONTEXT, BUILD_DOCKERFILE, OUTPUT_INVALID, OCI_REFERENCE_INVALID before anything runs */
export async function build(app: App, request: BuildRequest, o: BuildDoors): Promise<Built> {
  const wanted = readBuildRequest(app, request);
  const { names, context, target } = wanted;
  const platforms = wanted.platforms.map(formatPlatform);
  const about = { names, context, target, platforms };
  const secrets = wanted.stepSecrets.secrets.values();
  return recordBuild(app, { about, secrets: [...secrets] }, o, (doors) =>
    buildRead(app, request, wanted, doors),
  );
}

type Doors = BuildDoors & Recorded;

async function buildRead(app: App, request: BuildRequest, wanted: ReadRequest, o: Doors): Promise<Built> {
  const how = {
    signal: o.signal,
    stdin: o.stdin,
    secrets: wanted.stepSecrets.secrets,
    keepGitDir: wanted.argumentValues.get('BUILDKIT_CONTEXT_KEEP_GIT_DIR') === '1',
    warn: (message: string) => o.onEvent?.({ kind: 'warning', message }),
  };
  const caches = await openCaches(app, wanted.sources, { ...how, onNotice: o.onPull });
  try {
    return await buildWith(app, request, { ...wanted, caches }, how, o);
  } finally {
    await caches.close();
  }
}

async function buildWith(
  app: App,
  request: BuildRequest,
  wanted: ReadRequest & Pick<Wanted, 'caches'>,
  how: PlaceOptions,
  o: Doors,
): Promise<Built> {
  const named = await openNamedContexts(app, request.buildContexts ?? [], how);
  try {
    const place = await openBuildPlace(app, request, how);
    try {
      const { dockerfilePath: path, dockerfileName, dockerfileText: text } = place;
      o.onPlace?.({ path: path ?? dockerfileName, text });
      return await buildAgainIfDisturbed(app, { ...wanted, place, named }, o);
    } finally {
      await place.close();
    }
  } finally {
    await named.close();
  }
}

async function buildAgainIfDisturbed(app: App, wanted: Wanted, o: Doors): Promise<Built> {
  try {
    return await buildOnce(app, wanted, o);
  } catch (error) {
    if (!isDobosError(error, 'STORE_NOT_FOUND') && !isDobosError(error, 'IMAGE_LAYER_ABSENT')) throw error;
    // A build that finds everything cached writes nothing, so nothing says that it runs, and a prune beside it may take what it has
    // found and not used yet. Once more then, holding what it finds.
    const lease = await (await app.store()).lease();
    try {
      return await buildOnce(app, wanted, o);
    } finally {
      await lease.release();
    }
  }
}

interface Wanted extends ReadRequest {
  readonly place: BuildPlace;
  readonly named: OpenedContexts;
  readonly caches: OpenedCaches;
}

async function buildOnce(app: App, wanted: Wanted, o: Doors): Promise<Built> {
  const { names, platforms, written, noted } = wanted;
  const warn = (message: string): void => o.onEvent?.({ kind: 'warning', message });
  const store = await app.store();
  const planned: PlannedBuild[] = [];
  for (const platform of platforms) planned.push(await planOne(app, wanted, platform, o));
  checkEmulation(
    planned.map(({ graph }) => graph),
    app.settings.hostPlatform,
  );
  const results: BuildResult[] = [];
  for (const each of planned) results.push(await each.run());
  await wanted.caches.borrowed?.settle(results.map(({ image }) => image));
  const entries = results.map(
    ({ image }, i): IndexEntry => ({
      image,
      platform: platforms[i]!,
      annotations: noted.manifestDescriptor(platforms[i]!),
    }),
  );
  const target =
    entries.length === 1
      ? entries[0]!.image.descriptor
      : await writeIndex(store, entries, { signal: o.signal, annotations: noted.index });
  for (const name of names) await nameImage(store, name, target);
  if (names.length === 0 && (written.length === 0 || written.some(({ kind }) => kind === 'image')))
    await keepUntagged(store, target);
  const images = {
    entries,
    target,
    indexAnnotations: noted.index,
    descriptorAnnotations: noted.indexDescriptor,
    names,
  };
  let pushed: Descriptor | undefined;
  await writeOutputs(store, images, written, {
    signal: o.signal,
    stdout: o.stdout ?? refuseStdout,
    warn,
    push: async (name, image, how) => {
      pushed = (await pushOutput(app, name, image, how, o)).target;
    },
  });
  await writeCaches(
    app,
    wanted.targets,
    results.map(({ steps }, i) => ({ steps, graph: planned[i]!.graph })),
    { signal: o.signal, warn, onNotice: o.onPull, borrowed: wanted.caches.borrowed },
  );
  const own = Math.max(
    0,
    platforms.findIndex((each) => formatPlatform(each) === formatPlatform(app.settings.hostPlatform)),
  );
  return {
    image: results[own]!.image,
    steps: results.flatMap(({ steps }, i) => nameSteps(steps, platforms, i)),
    graph: {
      ...planned[own]!.graph,
      steps: planned.flatMap(({ graph }, i) => namePlatform(graph, platforms, i).steps),
    },
    names: [
      ...names,
      ...written.flatMap((output) =>
        output.kind === 'image' && output.push?.byDigest !== true ? output.names : [],
      ),
    ],
    target,
    pushed,
    platforms,
    kept: !isForCacheOnly(wanted),
    squashes: results.flatMap(({ squashed }) => squashed ?? []),
  };
}

/** True for a build whose image nobody gets, to see that it builds: what no step needs is not fetched for it. */
const isForCacheOnly = ({ names, written, targets }: Wanted): boolean =>
  names.length + targets.length === 0 &&
  written.length > 0 &&
  written.every(({ kind }) => kind === 'cacheonly');

async function pushOutput(
  app: App,
  name: string,
  target: Descriptor,
  { byDigest, ...how }: OutputPush,
  { signal, onPush: onEvent, onPull: onNotice }: BuildDoors,
): Promise<Pushed> {
  const { parseReference } = await import('../oci/reference.ts');
  const { pushTarget } = await import('./push.ts');
  const { tag, ...reference } = parseReference(name);
  onEvent?.({ kind: 'begun', repository: `${reference.registry}/${reference.repository}` });
  return pushTarget(app, byDigest ? reference : { ...reference, tag }, target, {
    ...how,
    signal,
    onEvent,
    onNotice,
  });
}

async function refuseStdout(): Promise<void> {
  throw new TypeError('nobody takes what goes to standard output');
}

async function planOne(app: App, wanted: Wanted, platform: Platform, o: Doors): Promise<PlannedBuild> {
  const { platforms, place, named, caches } = wanted;
  const warn = (message: string): void => o.onEvent?.({ kind: 'warning', message });
  const keeper = async () => warnOfExecutor(await app.keeper(wanted.runtime), 'plain', warn);
  const at = platforms.indexOf(platform);
  const lazy = createLazyBases();
  return planImage({
    signal: o.signal,
    onEvent: (event) => o.onEvent?.(nameEvent(event, platforms, at)),
    store: caches.borrowed?.store ?? (await app.store()),
    contextFolder: place.contextFolder,
    foreignContext: place.foreign,
    contexts: named.contexts,
    contextFolders: named.folders,
    contextName: place.foreign ? wanted.context : undefined,
    dockerfileText: place.dockerfileText,
    dockerfileName: place.dockerfileName,
    dockerfilePath: place.dockerfilePath,
    buildArgs: wanted.argumentValues,
    labels: new Map(wanted.labels.map(splitPair)),
    target: wanted.target,
    platform,
    buildPlatform: app.settings.hostPlatform,
    network: wanted.network,
    allow: wanted.allowed,
    secrets: wanted.stepSecrets,
    surroundings: wanted.surroundings,
    parallel: wanted.parallel,
    epoch: app.settings.epoch(),
    useCache: wanted.useCache,
    // What they find is the same for every platform, but for what the first one has said.
    checks: at === 0 ? wanted.checks : 'none',
    freshStages: wanted.freshStages,
    squash: wanted.squash,
    annotations: wanted.noted.manifest(platform),
    caches: caches.folders,
    borrows: caches.borrowed !== undefined,
    resolveBase: (name, of) =>
      resolveBase(app, name, of, { policy: wanted.pull, signal: o.signal, onEvent: o.onPull, lazy }),
    lazy,
    complete: !isForCacheOnly(wanted),
    keeper: caches.borrowed?.keeper(keeper) ?? keeper,
    keepFailed: o.keepFailed,
    http: app.http,
    gitEnv: app.settings.environment,
    now: app.settings.now,
  });
}
