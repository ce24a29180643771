import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * The environment in which podman keeps all that it has in one folder and starts containers on this kind of machine: nothing in it gives a container
 * more rights than podman does by itself. (Limits of processes and files may not be raised here, and crun 1.8 does not start on a hybrid cgroup hierarchy.)
 */
export function podmanSettings(folder: string): Readonly<Record<string, string>> {
  mkdirSync(folder, { recursive: true });
  const containers = join(folder, 'containers.conf');
  const storage = join(folder, 'storage.conf');
  writeFileSync(
    containers,
    `[containers]
cgroups = "enabled"
${defaultRights()}
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "none"
`,
  );
  writeFileSync(
    storage,
    `[storage]
driver = "overlay"
graphroot = "${folder}/graph"
runroot = "${folder}/run"
`,
  );
  return { CONTAINERS_CONF: containers, CONTAINERS_STORAGE_CONF: storage };
}

/** The rights that the distribution's own settings give a container, which the file above would hide. */
function defaultRights(): string {
  const text = readFileSync('/usr/share/containers/containers.conf', 'utf8');
  return /^default_capabilities = \[[^\]]*\]/m.exec(text)?.[0] ?? '';
}
