import { join } from 'node:path';
import { measurePairs, type Side } from './measure.ts';
import { must } from './peers.ts';
import { type Bench, DOBOS, dobosSide, dockerSide, type Row } from './rows.ts';

/** podman, with its images, containers and all that runs below the bench's folder. */
const podman = (bench: Bench, ...args: readonly string[]): string[] => [
  '/usr/bin/podman',
  ...['--root', join(bench.work, 'podman', 'root'), '--runroot', join(bench.work, 'podman', 'run')],
  ...['--storage-driver', 'overlay', '--cgroup-manager', 'cgroupfs', '--runtime', '/usr/sbin/runc'],
  ...args,
];

const dobosEnv = (bench: Bench): Record<string, string> => ({ DOBOS_ROOT: bench.store });

/** A container in dobos and in docker for as long as the row is measured. */
function withContainers<T>(bench: Bench, command: readonly string[], work: () => T): T {
  const run = ['run', '-d', '--name', 'benched', '--network=host', 'bench-base', ...command];
  const remove = ['rm', '-f', 'benched'];
  must([...DOBOS, ...run], dobosEnv(bench));
  try {
    must(bench.peers.docker(...run), bench.peers.dockerEnv);
    const measured = work();
    must(bench.peers.docker(...remove), bench.peers.dockerEnv);
    return measured;
  } finally {
    must([...DOBOS, ...remove], dobosEnv(bench));
  }
}

/** 300 MB that no compression makes smaller, in 30 files. */
const WRITE = 'for i in $(seq 30); do dd if=/dev/urandom of=/f$i bs=1M count=10 2>/dev/null; done; ';

/** Rows of containers: the start of one, a program in one that runs, a layer of what one wrote. */
export const CONTAINER_ROWS: readonly Row[] = [
  {
    name: 'a container: run --rm of true',
    targets: [
      { kind: 'ratio', most: 0.9 },
      { kind: 'ratio', most: 0.5 },
    ],
    measure(bench) {
      must(podman(bench, 'load', '-i', join(bench.work, 'base.tar')));
      const args = (): string[] => ['run', '--rm', '--network=host', 'bench-base', '/bin/true'];
      const [run = '', ...rest] = args();
      // More open files and processes than this machine gives would be asked for.
      const podmanArgs = [
        run,
        ...['nofile', 'nproc'].flatMap((name) => ['--ulimit', `${name}=1024:1024`]),
        ...rest,
      ];
      const side: Side = { name: 'podman', command: () => podman(bench, ...podmanArgs) };
      return measurePairs(bench.work, bench.rounds, [dobosSide(bench, args), dockerSide(bench, args), side]);
    },
  },
  {
    name: 'a container: exec of true',
    targets: [{ kind: 'ratio', most: 1 }],
    measure(bench) {
      const args = (): string[] => ['exec', 'benched', '/bin/true'];
      return withContainers(bench, ['/bin/sleep', '100000'], () =>
        measurePairs(bench.work, bench.rounds, [dobosSide(bench, args), dockerSide(bench, args)]),
      );
    },
  },
  {
    name: 'a container: commit of 300 MB that it wrote',
    targets: [{ kind: 'ratio', most: 0.8 }],
    measure(bench) {
      const args = (round: number): string[] => ['commit', '-m', `round ${round}`, 'benched', 'committed'];
      const script = `${WRITE} echo done > /written; sleep 100000`;
      return withContainers(bench, ['/bin/sh', '-c', script], () => {
        const look = ['exec', 'benched', '/bin/sh', '-c', 'until [ -e /written ]; do sleep 0.1; done'];
        must([...DOBOS, ...look], dobosEnv(bench));
        must(bench.peers.docker(...look), bench.peers.dockerEnv);
        return measurePairs(bench.work, bench.rounds, [dobosSide(bench, args), dockerSide(bench, args)]);
      });
    },
  },
];
