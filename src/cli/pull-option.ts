import type { App } from '../app/app.ts';
import { type FindOrPullOptions, PULL_POLICIES, type PullPolicy } from '../app/find-or-pull.ts';
import { parsePlatform } from '../oci/platform.ts';
import type { Platform } from '../oci/types.ts';
import { type OptionSpec, type OptionValues, textOption } from './spec.ts';

/** `run --pull`: docker's and podman's policies. */
export const RUN_PULL_OPTION: OptionSpec = {
  flags: '--pull <policy>',
  summary: 'when a registry is asked for the image',
  choices: PULL_POLICIES,
  default: 'missing',
};

/** `build --pull`, which alone means always, as docker has it. */
export const BUILD_PULL_OPTION: OptionSpec = {
  ...RUN_PULL_OPTION,
  choices: [...PULL_POLICIES, 'true', 'false'],
  bare: 'always',
  summary: 'when bases are pulled; alone: always',
};

/** The policy that was given. */
export function pullPolicy({ pull }: OptionValues): PullPolicy {
  if (pull === 'true') return 'always';
  return PULL_POLICIES.find((policy) => policy === pull) ?? 'missing';
}

/** The platform of `--platform`, to be spread: nothing if none was given. @throws OCI_PLATFORM_INVALID */
export function givenPlatform(app: App, options: OptionValues): { readonly platform?: Platform } {
  const platform = textOption(options, 'platform');
  return platform === undefined ? {} : { platform: parsePlatform(platform, app.settings.hostPlatform) };
}

/** How the image of a container is pulled, as the options say. @throws OCI_PLATFORM_INVALID */
export const imagePull = (
  app: App,
  options: OptionValues,
  o: Pick<FindOrPullOptions, 'signal' | 'onEvent'>,
): FindOrPullOptions => ({ policy: pullPolicy(options), ...givenPlatform(app, options), ...o });
