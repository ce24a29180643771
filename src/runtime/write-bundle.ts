import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fsPath } from '../base/names.ts';
import type { CallOptions } from '../base/options.ts';
import { openLayer } from '../layer/open-layer.ts';
import type { Snapshotter } from '../rootfs/types.ts';
import type { LocalStore } from '../store/contract.ts';
import { type ConfigRequest, ociConfig } from './oci-config.ts';
import { readOwnNamespace } from './own-namespace.ts';
import { resolveProcess } from './prepare-process.ts';
import { seccompFilter } from './seccomp.ts';
import type { BundleRequest } from './types.ts';

/** What a config.json holds that `ociConfig` leaves to the keeper, which has namespaces of its own and no cgroups. */
interface BundleConfig {
  readonly mounts: readonly { readonly destination: string; readonly options: readonly string[] }[];
  readonly linux: { readonly namespaces: readonly { readonly type: string }[] };
}

/**
 * Writes `rootfs` and config.json into an empty folder, so that an OCI runtime can be started there by the same user. For an ordinary user the config asks for a user
 * namespace with the ids that the files have here. The root's files are copies: nothing of the store is changed by what runs there.
 * @throws RUNTIME_NO_COMMAND, RUNTIME_CWD, RUNTIME_USER_FILE, RUNTIME_UNMAPPED_ID, RUNTIME_ZERO_BYTE, and as `resolveUser` and rootfs
 */
export async function writeBundle(
  tools: { readonly store: LocalStore; readonly snapshotter: Snapshotter },
  request: BundleRequest,
  o: CallOptions,
): Promise<void> {
  const { layers, folder, process } = request;
  const rootfs = join(folder, 'rootfs');
  const opened = layers.map(({ blob, diffId }) => openLayer(tools.store, blob, diffId));
  const root = await tools.snapshotter.prepare(opened, { signal: o.signal });
  try {
    const merged = root.mount();
    try {
      mkdirSync(fsPath(rootfs));
      await tools.snapshotter.copyFolder(merged, rootfs, o);
    } finally {
      root.unmount();
    }
  } finally {
    await root.dispose();
  }
  const { user, env, cwd } = resolveProcess(rootfs, process);
  const own = readOwnNamespace();
  const isHostNetwork = process.network === 'host';
  const config = ociConfig({
    process: { program: '', args: process.args, user, env, cwd, binds: isHostNetwork ? NETWORK_FILES : [] },
    rootPath: 'rootfs',
    hostname: process.hostname,
    network: process.network,
    tty: process.tty,
    rootless: own.isUserNamespace,
    privileged: false,
    // runc refuses to set any for an ordinary user.
    canSetGroups: own.canSetGroups && !own.isUserNamespace,
    cgroup2: !own.isUserNamespace,
    seccomp: seccompFilter(request.nodeArchitecture),
    devices: [],
    mayMakeDevices: true,
  } satisfies ConfigRequest) as BundleConfig;
  const text = JSON.stringify(withOwnIds(config, own.isUserNamespace, request.annotations), undefined, 2);
  writeFileSync(fsPath(join(folder, 'config.json')), `${text}\n`, { mode: 0o644 });
}

/** The machine's own, which change with it. */
const NETWORK_FILES = ['etc/resolv.conf', 'etc/hosts'].map(
  (path) => ({ source: `/${path}`, target: path, kind: 'file', readOnly: true }) as const,
);

/** Docker's rule of devices for root: none but those that the runtime makes. A user's own namespace opens none anyway, and may have no cgroups. */
const NO_DEVICES = { devices: [{ allow: false, access: 'rwm' }] };

function withOwnIds(
  config: BundleConfig,
  rootless: boolean,
  annotations: Readonly<Record<string, string>>,
): object {
  const { linux } = config;
  const own = rootless
    ? {
        namespaces: [...linux.namespaces, { type: 'user' }],
        uidMappings: mappings('uid_map'),
        gidMappings: mappings('gid_map'),
      }
    : { resources: NO_DEVICES };
  return {
    ...config,
    mounts: config.mounts.map(withDevices),
    linux: { ...linux, ...own },
    ...(Object.keys(annotations).length > 0 && { annotations }),
  };
}

/** The runtime makes its device files in /dev: there they must be let open. */
const withDevices = (mount: BundleConfig['mounts'][number]): BundleConfig['mounts'][number] =>
  mount.destination === '/dev'
    ? { ...mount, options: mount.options.filter((option) => option !== 'nodev') }
    : mount;

/** user_namespaces(7): the ids of this namespace as they are outside of it. */
function mappings(file: 'uid_map' | 'gid_map'): object[] {
  const lines = readFileSync(`/proc/self/${file}`, 'latin1').trim().split('\n');
  return lines.map((line) => {
    const [containerID, hostID, size] = line.trim().split(/\s+/).map(Number);
    return { containerID, hostID, size };
  });
}
