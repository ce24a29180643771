import { isDobosError } from '../base/errors.ts';
import { type CheckedBuild, checkBuild, type LookOptions, lookAt } from '../build/check-build.ts';
import { readForeignIgnoreFile, readIgnoreFile } from '../build/context/read-ignore-file.ts';
import { listTargets, type Outline, outlineOf, type Target } from '../build/outline.ts';
import { problemError } from '../build/plan-errors.ts';
import type { Image } from '../image/types.ts';
import type { CheckedFile } from '../lint/format-check.ts';
import { parsePlatform } from '../oci/platform.ts';
import type { Platform } from '../oci/types.ts';
import type { App } from './app.ts';
import type { BuildDoors } from './build.ts';
import { readBuildArguments } from './build-arguments.ts';
import { type BuildPlace, openBuildPlace } from './build-place.ts';
import type { BuildRequest } from './build-request.ts';
import { createLazyBases } from './lazy-bases.ts';
import { openNamedContexts } from './named-contexts.ts';
import { resolveBase } from './resolve-base.ts';

/** Of a build's request, what has a meaning without building. */
export type CallRequest = Pick<
  BuildRequest,
  'context' | 'dockerfile' | 'buildArgs' | 'target' | 'platform' | 'buildContexts' | 'pull'
>;
/** What a Dockerfile is read for. */
export type CallMethod = 'check' | 'outline' | 'targets';

export type Called =
  | ({ readonly kind: 'check' } & CheckedBuild)
  | { readonly kind: 'outline'; readonly outline: Outline; readonly file: CheckedFile }
  | { readonly kind: 'targets'; readonly targets: readonly Target[]; readonly file: CheckedFile };

export interface CallDoors extends Pick<BuildDoors, 'signal' | 'stdin' | 'onPull'> {
  readonly warn: (message: string) => void;
}

/** Looks at a Dockerfile as `build --call` does: nothing runs, nothing is written, and no registry is asked unless `pull` is `always` or `newer`. @throws as `build` before anything runs; what is wrong with the Dockerfile is in the value of `check` */
export async function callBuild(
  app: App,
  method: CallMethod,
  request: CallRequest,
  o: CallDoors,
): Promise<Called> {
  const how = { ...o, keepGitDir: request.buildArgs.includes('BUILDKIT_CONTEXT_KEEP_GIT_DIR=1') };
  const named = await openNamedContexts(app, request.buildContexts ?? [], how);
  try {
    const place = await openBuildPlace(app, request, how);
    try {
      const look: LookOptions = {
        signal: o.signal,
        dockerfileText: place.dockerfileText,
        plan: {
          buildArgs: readBuildArguments(request, app.settings.environment),
          target: request.target,
          allStages: method === 'check' && request.target === undefined,
          platform: platformOf(app, request),
          buildPlatform: app.settings.hostPlatform,
          epoch: app.settings.epoch(),
          contexts: named.contexts,
          // As docker calls one that came on standard input.
          fileName: place.dockerfileName === '-' ? 'Dockerfile' : place.dockerfileName,
        },
        ignoreText: method === 'check' ? ignoreText(place) : undefined,
        resolveBase: (name, platform) => findBase(app, name, platform, request, o),
      };
      return method === 'check'
        ? { kind: method, ...(await checkBuild(look)) }
        : await readTarget(method, look);
    } finally {
      await place.close();
    }
  } finally {
    await named.close();
  }
}

async function readTarget(method: 'outline' | 'targets', o: LookOptions): Promise<Called> {
  const { file, graph, error } = await lookAt(o);
  const shown = { name: o.plan.fileName, text: file.text };
  if (method === 'outline') {
    if (graph === undefined) throw error;
    return { kind: method, outline: outlineOf(file, graph, o.plan), file: shown };
  }
  const broken = file.problems.find(({ severity }) => severity === 'error');
  if (broken !== undefined) throw problemError(file, broken, o.plan.fileName);
  return { kind: method, targets: listTargets(file), file: shown };
}

/** The first of several: what is looked at is the same for all but the variables of the platform. */
function platformOf(app: App, { platform }: CallRequest): Platform {
  const { hostPlatform } = app.settings;
  const first = platform?.split(',')[0]?.trim();
  return first === undefined ? hostPlatform : parsePlatform(first, hostPlatform);
}

function ignoreText({ contextFolder, foreign, dockerfilePath }: BuildPlace): string | undefined {
  if (contextFolder === undefined) return undefined;
  return (foreign ? readForeignIgnoreFile : readIgnoreFile)(contextFolder, dockerfilePath)?.text;
}

/** An image that is here; a registry is asked only with the policies `always` and `newer`, and for manifest and configuration only. */
async function findBase(
  app: App,
  name: string,
  platform: Platform,
  { pull }: CallRequest,
  { signal, onPull }: CallDoors,
): Promise<Image | undefined> {
  const policy = pull === 'always' || pull === 'newer' ? pull : 'never';
  try {
    return await resolveBase(app, name, platform, {
      policy,
      signal,
      onEvent: onPull,
      lazy: createLazyBases(),
    });
  } catch (error) {
    if (policy === 'never' && isDobosError(error, 'IMAGE_NOT_HERE')) return undefined;
    throw error;
  }
}
