import { lstatSync, mkdirSync, realpathSync, statSync } from 'node:fs';
import { isAbsolute, posix, resolve } from 'node:path';
import { errorMaker, systemCode } from '../base/errors.ts';
import { randomBytes } from '../base/random.ts';
import { theirMode } from '../base/umask.ts';
import { type NewVolume, openVolumes, parseVolumeName } from '../containers/volumes.ts';
import type { BindMount, MemoryMount } from '../runtime/types.ts';
import { type MountSpec, parseMount, parseTmpfs, parseVolumeSpec } from './mount-options.ts';

type MountErrors = {
  RUN_MOUNT: { text: string; problem: string };
};
const mountError = errorMaker<MountErrors>({
  RUN_MOUNT: ({ text, problem }) => ({
    message: `${text}: ${problem}`,
    hint: '-v NAME:/inside or -v /host/folder:/inside, with :ro for reading only; --mount type=bind|volume|tmpfs,src=…,dst=…',
  }),
});

export interface MountRequest {
  /** Of `-v`, `--mount` and `--tmpfs`, as written. */
  readonly volumes: readonly string[];
  readonly mounts?: readonly string[] | undefined;
  readonly tmpfs?: readonly string[] | undefined;
  /** Paths of the image's VOLUMEs. */
  readonly declared: readonly string[];
}

export interface ContainerMounts {
  readonly binds: readonly BindMount[];
  readonly memory: readonly MemoryMount[];
  /** To be made when the container is there. */
  readonly volumes: readonly NewVolume[];
}

/**
 * What a container has mounted: folders of the host, which `-v` makes when they are missing and `--mount` does not; volumes; memory. Paths of the image's VOLUMEs that nothing
 * else is mounted at get volumes without a name.
 * @throws RUN_MOUNT, VOLUME_NAME
 */
export function readMounts(storeFolder: string, o: MountRequest): ContainerMounts {
  const specs = readMountSpecs(o);
  const taken = new Set(specs.map(({ target }) => target));
  const declared = [...new Set(o.declared.map((path) => posix.resolve('/', path)))]
    .filter((target) => target !== '/' && !taken.has(target))
    .map((target): MountSpec & { optional: true } => ({
      kind: 'volume',
      text: target,
      target,
      readOnly: false,
      fill: true,
      labels: {},
      optional: true,
    }));
  const binds: BindMount[] = [];
  const memory: MemoryMount[] = [];
  const volumes: NewVolume[] = [];
  const { folderOf } = openVolumes(storeFolder, { now: Date.now });
  for (const spec of [...specs, ...declared]) {
    const { target, readOnly } = spec;
    if (spec.kind === 'tmpfs') {
      const { size, mode, uid, gid, without } = spec;
      memory.push({ target, size, mode, uid, gid, readOnly, without });
    } else if (spec.kind === 'bind') binds.push({ source: hostPath(spec), target, readOnly });
    else {
      const anonymous = spec.name === undefined;
      const name = parseVolumeName(spec.name ?? randomBytes(32).toString('hex'));
      const labels = anonymous ? { 'com.docker.volume.anonymous': '', ...spec.labels } : spec.labels;
      volumes.push({ name, labels, anonymous });
      const optional = 'optional' in spec ? { optional: true } : {};
      binds.push({ source: folderOf(name), target, readOnly, volume: name, fill: spec.fill, ...optional });
    }
  }
  return { binds, memory, volumes };
}

/** What the options say, nothing looked for and nothing made yet. @throws RUN_MOUNT, VOLUME_NAME */
export function readMountSpecs(o: Omit<MountRequest, 'declared'>): readonly MountSpec[] {
  const specs: MountSpec[] = [
    ...o.volumes.map((text) => parsed(text, () => parseVolumeSpec(text))),
    ...(o.mounts ?? []).map((text) => parsed(text, () => parseMount(text))),
    ...(o.tmpfs ?? []).map((text) => parsed(text, () => parseTmpfs(text))),
  ];
  const taken = new Set<string>();
  for (const { text, target } of specs) {
    if (taken.has(target))
      throw mountError('RUN_MOUNT', { text, problem: `Duplicate mount point: ${target}` });
    taken.add(target);
  }
  for (const spec of specs) if (spec.kind === 'volume' && spec.name !== undefined) parseVolumeName(spec.name);
  return specs;
}

function parsed(text: string, parse: () => MountSpec | string): MountSpec {
  const spec = parse();
  if (typeof spec === 'string') throw mountError('RUN_MOUNT', { text, problem: spec });
  return spec;
}

function hostPath(spec: MountSpec & { readonly kind: 'bind' }): string {
  const { source, make, text } = spec;
  const path = isAbsolute(source) ? source : resolve(source);
  try {
    // A link that leads nowhere is there all the same: making its target would be a surprise.
    if (make && lstatSync(path, { throwIfNoEntry: false }) === undefined)
      mkdirSync(path, { recursive: true, mode: theirMode(0o777) });
    statSync(path);
    return realpathSync(path);
  } catch (error) {
    const code = systemCode(error);
    if (code === undefined) throw error;
    const problem =
      code === 'ENOENT' ? `bind source path does not exist: ${path}` : `${path} cannot be used: ${code}`;
    throw mountError('RUN_MOUNT', { text, problem }, { cause: error });
  }
}
