import { writeFileSync } from 'node:fs';
import { serveTasks } from '../../base/worker.ts';
import { enableLoopback } from '../../linux/loopback.ts';
import { makeNetworkNamespace } from '../../linux/net-namespace.ts';

/** A thread of its own, because it ends in the namespace: whoever is no root outside cannot go back. */
serveTasks<string, undefined>((path) => {
  makeNetworkNamespace(path, setUp);
});

/** docker's settings: anybody inside may take low ports and send echo requests. */
function setUp(): void {
  enableLoopback();
  for (const [name, value] of [
    ['ip_unprivileged_port_start', '0'],
    ['ping_group_range', '0 2147483647'],
  ] as const) {
    try {
      writeFileSync(`/proc/sys/net/ipv4/${name}`, value);
    } catch {
      // Ids that this user namespace does not have, or a kernel without it.
    }
  }
}
