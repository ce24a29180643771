import { writeFileSync } from 'node:fs';
import { enableLoopback } from '../../linux/loopback.ts';

/** In a new network namespace: its loopback, and docker's settings: anybody inside may take low ports and send echo requests. */
export function setUpNetwork(): void {
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
