import { parseContainerName } from '../containers/container-name.ts';
import type { Image } from '../image/types.ts';
import type { App } from './app.ts';
import { type LimitsRequest, readLimits } from './container-limits.ts';
import { readMountSpecs, readMounts } from './container-mounts.ts';
import {
  type ContainerSettings,
  readNameFile,
  readSettings,
  refuseCidFile,
  type SettingsRequest,
} from './container-settings.ts';
import type { ContainerRequest } from './containers.ts';
import { chooseNetwork, type NetworkOptions } from './network-options.ts';
import { readRestartPolicy } from './restart-policy.ts';

export interface FinishOptions {
  readonly env: readonly string[];
  /** `name=value`. */
  readonly labels?: readonly string[] | undefined;
  /** As `-v` has them. */
  readonly volumes: readonly string[];
  /** As `--mount` and `--tmpfs` have them. */
  readonly mounts?: readonly string[] | undefined;
  readonly tmpfs?: readonly string[] | undefined;
  readonly settings?: SettingsRequest | undefined;
  readonly limits?: LimitsRequest | undefined;
  /** Gets the id of the container; it must not be there. */
  readonly cidFile?: string | undefined;
}

/** The options with the variables and labels of their files, which come before those given one by one. @throws RUN_OPTION */
export function withFiles<T extends FinishOptions>(o: T): T {
  const { envFiles = [], labelFiles = [] } = o.settings ?? {};
  const env = envFiles.flatMap((path) => readNameFile('--env-file', path));
  const labels = labelFiles.flatMap((path) => readNameFile('--label-file', path));
  return { ...o, env: [...env, ...o.env], labels: [...labels, ...(o.labels ?? [])] };
}

/** What options come to, read once: a file that one names may be a pipe. */
export interface ReadOptions {
  readonly settings: ContainerSettings | undefined;
  readonly resources: ContainerRequest['resources'];
}

/**
 * Reads options before an image is pulled for them, and refuses what no image makes right. Mounts and ports are looked at again once the image is here.
 * @throws RUN_OPTION, RUN_LIMIT, RUN_MOUNT, RUN_NETWORK, RUN_PORT…, RUN_RESTART, CONTAINER_NAME, VOLUME_NAME and as `readSettings`
 */
export function readOptions(
  app: App,
  o: FinishOptions &
    NetworkOptions & {
      readonly name?: string | undefined;
      readonly restart?: string | undefined;
      readonly remove: boolean;
    },
): ReadOptions {
  if (o.name !== undefined) parseContainerName(o.name);
  if (o.cidFile !== undefined) refuseCidFile(o.cidFile);
  readRestartPolicy(o.restart, o.remove);
  const { process } = chooseNetwork(o, []);
  readMountSpecs(o);
  return {
    settings: o.settings === undefined ? undefined : readSettings(app, o.settings, process),
    resources: o.limits === undefined ? undefined : readLimits(o.limits),
  };
}

/** The request with mounts and settings of the container; folders of the host that `-v` names are made. @throws RUN_MOUNT, VOLUME_NAME, RUN_OPTION */
export function finishRequest(
  app: App,
  image: Image,
  request: ContainerRequest,
  o: FinishOptions,
  { settings, resources }: ReadOptions,
): ContainerRequest {
  // A pull takes a while.
  if (o.cidFile !== undefined) refuseCidFile(o.cidFile);
  const { volumes, mounts, tmpfs } = o;
  const declared = Object.keys(image.config.config?.Volumes ?? {});
  const read = readMounts(app.settings.storeFolder, { volumes, mounts, tmpfs, declared });
  const binds = [...read.binds, ...(settings?.binds ?? [])];
  return {
    ...request,
    config: { ...request.config, ...settings?.config },
    process: { ...request.process, ...settings?.process, binds, memory: read.memory },
    volumes: read.volumes,
    resources,
    cidFile: o.cidFile,
  };
}
