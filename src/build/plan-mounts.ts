import type { Flag, Range, RunInstruction } from '../dockerfile/ast.ts';
import { type Mount, readMount } from '../dockerfile/mount.ts';
import type { RunMount, SourcePlace, StepId } from './graph.ts';
import { joinPath } from './plan-config.ts';
import type { Job } from './plan-layout.ts';
import { planSource } from './plan-source.ts';
import { type Planner, type StageState, variablesOf } from './plan-state.ts';

/** Where secrets without a target go (spec build.md a.7). */
const SECRETS_FOLDER = '/run/secrets';
/** Where the sockets of agents without a target go, with a number behind. */
const AGENT_PREFIX = '/run/buildkit/ssh_agent.';
const READ_BY_OWNER = 0o400;
const READ_AND_WRITTEN_BY_OWNER = 0o600;

export interface PlannedMounts {
  readonly mounts: readonly RunMount[];
  /** Steps that the mounts read from. */
  readonly reads: readonly StepId[];
}

/** The mounts of a RUN in order, sources and targets resolved. @throws DOCKERFILE_MOUNT (as PLAN_INVALID), PLAN_FROM_…, PLAN_INVALID */
export function planMounts(
  planner: Planner,
  state: StageState,
  job: Job,
  instruction: RunInstruction,
): PlannedMounts {
  const { fail, expander } = planner.layout;
  const variables = variablesOf(state);
  const reads: StepId[] = [];
  const byTarget = new Map<string, string>();
  const mounts: RunMount[] = [];
  let agents = 0;
  for (const flag of instruction.flags) {
    if (flag.name.text !== 'mount') continue;
    const mount = toRunMount(readFlag(flag), flag);
    const { target } = mount;
    if (target !== undefined) {
      const text = JSON.stringify(mount);
      const before = byTarget.get(target);
      // The same mount said twice is a slip that harms nobody.
      if (before === text) continue;
      if (before !== undefined) {
        throw fail('PLAN_INVALID', { message: `two mounts have the target ${target}` }, flag.range);
      }
      byTarget.set(target, text);
    }
    mounts.push(mount);
  }
  return { mounts, reads };

  function readFlag({ name, value, range }: Flag): Mount {
    const word = value ?? name;
    const read = readMount(word, (text) => expander.text({ text, range: word.range }, variables));
    if (read.kind === 'wrong') throw fail('PLAN_INVALID', { message: read.message }, range);
    return read.mount;
  }

  function toRunMount(mount: Mount, { range }: Flag): RunMount {
    const { type, readOnly, required, uid = 0, gid = 0 } = mount;
    switch (type) {
      case 'bind': {
        const from = placeOf(mount.from, range);
        const target = targetOf(mount.target ?? '', range);
        return { kind: 'bind', from, source: sourceOf(mount.source), target, readOnly };
      }
      case 'cache':
        return cacheMount(mount, range);
      case 'tmpfs':
        return {
          kind: 'tmpfs',
          target: targetOf(mount.target ?? '', range),
          size: mount.size,
          mode: mount.mode,
        };
      case 'secret': {
        const id = mount.source ?? mount.id ?? lastName(mount.target ?? '');
        if (id === '') throw fail('PLAN_INVALID', { message: 'a secret mount has an empty id' }, range);
        const { env } = mount;
        const asked = mount.target || (env === undefined ? `${SECRETS_FOLDER}/${lastName(id)}` : undefined);
        const target = asked === undefined ? undefined : targetOf(asked, range);
        return { kind: 'secret', id, target, env, required, mode: mount.mode ?? READ_BY_OWNER, uid, gid };
      }
      case 'ssh': {
        const id = mount.source ?? (mount.id || 'default');
        const target = targetOf(mount.target || `${AGENT_PREFIX}${agents++}`, range);
        const mode = mount.mode ?? READ_AND_WRITTEN_BY_OWNER;
        return { kind: 'ssh', id, target, required, mode, uid, gid };
      }
    }
  }

  function cacheMount(mount: Mount, range: Range): RunMount {
    const { from, source, mode, uid, gid, readOnly, sharing = 'shared' } = mount;
    const target = targetOf(mount.target ?? '', range);
    if (from === undefined && source !== undefined && sourceOf(source) !== '/') {
      const message = 'the source of a cache mount needs from=, the place that it is in';
      throw fail('PLAN_INVALID', { message }, range);
    }
    const seed = from === undefined ? undefined : { from: placeOf(from, range), source: sourceOf(source) };
    const namespace = planner.o.buildArgs.get('BUILDKIT_CACHE_MOUNT_NS');
    const own = mount.id || cleanId(mount.target ?? target);
    const id = namespace ? `${namespace}/${own}` : own;
    return { kind: 'cache', id, target, sharing, readOnly, seed, mode, uid, gid };
  }

  function placeOf(name: string | undefined, range: Range): SourcePlace {
    if (name === undefined || name === '') return { kind: 'context' };
    const at = job.trigger === undefined ? range : job.origin;
    const ref = planner.layout.mountSource(name, at, state.laid);
    const [place, steps] = planSource(planner, state, ref, at);
    reads.push(...steps);
    return place;
  }

  function targetOf(text: string, range: Range): string {
    const target = joinPath(state.config.WorkingDir, text);
    if (target === '/') throw fail('PLAN_INVALID', { message: 'invalid mount target "/"' }, range);
    if (/^\/(?:proc|sys)(?:\/|$)|^\/dev$/.test(target)) {
      const message = `invalid mount target ${JSON.stringify(target)}: it belongs to the kernel`;
      throw fail('PLAN_INVALID', { message }, range);
    }
    return target;
  }
}

/** Absolute and clean: `..` stops at the root. */
const sourceOf = (source: string | undefined): string => joinPath('/', source ?? '/');

const lastName = (path: string): string => path.split('/').findLast((name) => name !== '') ?? '';

/** The id that a target stands for: relative ones stay relative. */
function cleanId(target: string): string {
  const clean = joinPath('/', target);
  return target.startsWith('/') ? clean : clean.slice(1) || '.';
}
