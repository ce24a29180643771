import type { StepSurroundings } from '../build/execute-run.ts';
import type { SquashWhat } from '../build/squash-build.ts';
import type { StepSecrets } from '../build/step-mounts.ts';
import { formatPlatform, parsePlatform } from '../oci/platform.ts';
import type { Platform } from '../oci/types.ts';
import type { App } from './app.ts';
import { type BuildAnnotations, parseAnnotations } from './build-annotations.ts';
import { type GivenArguments, readBuildArguments } from './build-arguments.ts';
import { type CachePlace, parseCache } from './build-caches.ts';
import { parseOutput, withPush } from './build-outputs.ts';
import { readAllowed, readStepSecrets } from './build-secrets.ts';
import type { PullPolicy } from './find-or-pull.ts';
import { fullName } from './image-names.ts';
import { readJobs, readSurroundings, type SurroundingsRequest } from './step-surroundings.ts';
import { checkOutputs } from './write-outputs.ts';

/** What a person asks of a build, as the words of the command. */
export interface BuildRequest extends SurroundingsRequest, GivenArguments {
  readonly context: string;
  /** Relative to the working directory; `Dockerfile` of the context when absent. */
  readonly dockerfile?: string | undefined;
  readonly tags: readonly string[];
  /** `name=value`. */
  readonly labels: readonly string[];
  readonly target?: string | undefined;
  /** One, or several with commas between them: then an index is made. */
  readonly platform?: string | undefined;
  readonly network?: 'default' | 'host' | 'none' | undefined;
  /** `id=x,src=FILE` or `id=x,env=NAME`. */
  readonly secrets?: readonly string[] | undefined;
  /** `default` or `id=SOCKET`. */
  readonly ssh?: readonly string[] | undefined;
  /** `security.insecure`, `network.host`. */
  readonly allow?: readonly string[] | undefined;
  /** Steps that may run at once. */
  readonly jobs?: string | undefined;
  readonly useCache: boolean;
  /** Stages that run again. */
  readonly freshStages?: readonly string[] | undefined;
  readonly runtime?: string | undefined;
  /** As in `--output`. */
  readonly outputs?: readonly string[] | undefined;
  /** As `--push`. */
  readonly push?: boolean | undefined;
  /** As in `--cache-from` and `--cache-to`. */
  readonly cacheFrom?: readonly string[] | undefined;
  readonly cacheTo?: readonly string[] | undefined;
  /** As `--squash` and `--squash-all`. */
  readonly squash?: SquashWhat | undefined;
  /** As in `--build-context`. */
  readonly buildContexts?: readonly string[] | undefined;
  /** As in `--annotation`. */
  readonly annotations?: readonly string[] | undefined;
  /** Build checks: `all` their findings are told of, or only those that fail the build are looked for; `all` when absent. */
  readonly checks?: 'all' | 'errors' | undefined;
  /** Whether bases are pulled; `missing` when absent. */
  readonly pull?: PullPolicy | undefined;
}

/** A request whose words are understood. */
export interface ReadRequest extends BuildRequest {
  readonly names: readonly string[];
  readonly platforms: readonly Platform[];
  readonly written: readonly ReturnType<typeof parseOutput>[];
  readonly noted: BuildAnnotations;
  readonly sources: readonly CachePlace[];
  readonly targets: readonly CachePlace[];
  readonly allowed: ReadonlySet<string>;
  readonly stepSecrets: StepSecrets;
  readonly surroundings: StepSurroundings;
  readonly parallel: number | undefined;
  readonly argumentValues: ReadonlyMap<string, string>;
}

/** What the options say, before anything is read. @throws OUTPUT_INVALID, OCI_REFERENCE_INVALID, OCI_PLATFORM_INVALID, and as the readers of single options */
export function readBuildRequest(app: App, request: BuildRequest): ReadRequest {
  const { hostPlatform } = app.settings;
  const platforms = new Map<string, Platform>();
  for (const text of request.platform?.split(',') ?? []) {
    const platform = parsePlatform(text.trim(), hostPlatform);
    platforms.set(formatPlatform(platform), platform);
  }
  if (platforms.size === 0) platforms.set('', hostPlatform);
  const names = [...new Set(request.tags.map(fullName))];
  const written = withPush((request.outputs ?? []).map(parseOutput), request.push === true);
  checkOutputs(written, platforms.size, names);
  return {
    ...request,
    names,
    platforms: [...platforms.values()],
    written,
    sources: (request.cacheFrom ?? []).map((text) => parseCache('--cache-from', text)),
    targets: (request.cacheTo ?? []).map((text) => parseCache('--cache-to', text)),
    noted: parseAnnotations(request.annotations ?? [], platforms.size > 1),
    allowed: readAllowed(request.allow ?? []),
    surroundings: readSurroundings(request),
    parallel: readJobs(request.jobs),
    argumentValues: readBuildArguments(request, app.settings.environment),
    stepSecrets: readStepSecrets(
      { secrets: request.secrets ?? [], ssh: request.ssh ?? [] },
      app.settings.environment,
    ),
  };
}
