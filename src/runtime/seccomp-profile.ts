import { runtimeError } from './errors.ts';
import { ARCHITECTURES, type SeccompFilter, type SeccompRule } from './seccomp.ts';

/** Where a filter is for. */
export interface ProfileUse {
  /** Node's name. */
  readonly arch: string;
  readonly capabilities: readonly string[];
  /** The kernel's release, as uname(1) tells it. */
  readonly kernel: string;
}

/** Each costs memory of the kernel; the largest profiles that people use have some hundred. */
const MAX_RULES = 4096;
const NAMES: Readonly<Record<string, readonly string[]>> = {
  x64: ['amd64', 'x86', 'x32'],
  arm64: ['arm64', 'arm'],
  s390x: ['s390x', 's390'],
  ppc64: ['ppc64le'],
};

interface Condition {
  readonly caps?: readonly string[];
  readonly arches?: readonly string[];
  readonly minKernel?: string;
}

/**
 * The filter of a profile as docker and podman write them: rules are left out whose conditions (`includes`, `excludes`: capabilities, architectures, the kernel)
 * are not met here. Filters that the OCI specification describes are profiles without conditions.
 * @throws RUNTIME_SECCOMP
 */
export function readSeccompProfile(
  profile: Readonly<Record<string, unknown>>,
  use: ProfileUse,
): SeccompFilter {
  const fail = (problem: string): Error => runtimeError('RUNTIME_SECCOMP', { problem });
  const { defaultAction, defaultErrnoRet, syscalls = [] } = profile;
  if (typeof defaultAction !== 'string' || !defaultAction.startsWith('SCMP_ACT_')) {
    throw fail('it has no defaultAction');
  }
  if (!Array.isArray(syscalls) || syscalls.length > MAX_RULES) {
    throw fail(`its syscalls are no list of at most ${MAX_RULES} rules`);
  }
  const architectures = ARCHITECTURES[use.arch] ?? [];
  return {
    defaultAction,
    ...(typeof defaultErrnoRet === 'number' && { defaultErrnoRet }),
    architectures,
    syscalls: syscalls.flatMap((value: unknown): SeccompRule[] => {
      const rule = (value ?? {}) as Readonly<Record<string, unknown>>;
      const {
        names = typeof rule.name === 'string' ? [rule.name] : undefined,
        action,
        args,
        errnoRet,
      } = rule;
      if (!Array.isArray(names) || names.length === 0 || !names.every((name) => typeof name === 'string')) {
        throw fail('a rule of it has no names');
      }
      if (typeof action !== 'string') throw fail(`the rule of ${String(names[0])} has no action`);
      if (
        !holds((rule.includes ?? {}) as Condition, use) ||
        excludes((rule.excludes ?? {}) as Condition, use)
      )
        return [];
      return [
        {
          names: names as string[],
          action,
          ...(typeof errnoRet === 'number' && { errnoRet }),
          ...(Array.isArray(args) && args.length > 0 && { args: args as NonNullable<SeccompRule['args']> }),
        },
      ];
    }),
  };
}

function holds({ caps = [], arches = [], minKernel }: Condition, use: ProfileUse): boolean {
  return (
    caps.every((name) => use.capabilities.includes(name)) &&
    (arches.length === 0 || arches.some((name) => isArch(name, use))) &&
    (minKernel === undefined || isAtLeast(use.kernel, minKernel))
  );
}

function excludes({ caps = [], arches = [], minKernel }: Condition, use: ProfileUse): boolean {
  return (
    caps.some((name) => use.capabilities.includes(name)) ||
    arches.some((name) => isArch(name, use)) ||
    (minKernel !== undefined && isAtLeast(use.kernel, minKernel))
  );
}

const isArch = (name: string, { arch }: ProfileUse): boolean => (NAMES[arch] ?? [arch]).includes(name);

function isAtLeast(kernel: string, least: string): boolean {
  const [major = 0, minor = 0] = kernel.split(/[.-]/).map(Number);
  const [wantMajor = 0, wantMinor = 0] = least.split('.').map(Number);
  return major > wantMajor || (major === wantMajor && minor >= wantMinor);
}
