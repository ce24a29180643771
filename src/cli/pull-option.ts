import { PULL_POLICIES, type PullPolicy } from '../app/find-or-pull.ts';
import type { OptionSpec, OptionValues } from './spec.ts';

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
