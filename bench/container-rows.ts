import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { measurePairs, type Side } from './measure.ts';
import { must, startDocker } from './peers.ts';
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

const RUN_TRUE = ['run', '--rm', 'bench-base', '/bin/true'];

function podmanSide(bench: Bench, args: readonly string[]): Side {
  must(podman(bench, 'load', '-i', join(bench.work, 'base.tar')));
  const [run = '', ...rest] = args;
  // More open files and processes than this machine gives would be asked for.
  const limits = ['nofile', 'nproc'].flatMap((name) => ['--ulimit', `${name}=1024:1024`]);
  return { name: 'podman', command: () => podman(bench, run, ...limits, ...rest) };
}

/** Rows of containers: the start of one, a program in one that runs, a layer of what one wrote. */
export const CONTAINER_ROWS: readonly Row[] = [
  {
    name: 'a container: run --rm of true',
    targets: [
      { kind: 'ratio', most: 0.9 },
      { kind: 'ratio', most: 0.5 },
    ],
    measure(bench) {
      const args = (): string[] => ['run', '--rm', '--network=host', 'bench-base', '/bin/true'];
      return measurePairs(bench.work, bench.rounds, [
        dobosSide(bench, args),
        dockerSide(bench, args),
        podmanSide(bench, args()),
      ]);
    },
  },
  {
    // What docker and podman do when nothing else is said.
    name: 'a container with a network of its own: run --rm of true',
    targets: [
      { kind: 'ratio', most: 0.9 },
      { kind: 'ratio', most: 0.5 },
    ],
    async measure(bench) {
      const rules = must(['iptables-save']);
      const { docker, stop } = await startDocker(join(bench.work, 'docker-networks'));
      try {
        must(docker('load', '-i', join(bench.work, 'base.tar')));
        const [run = '', ...rest] = RUN_TRUE;
        return measurePairs(bench.work, bench.rounds, [
          dobosSide(bench, () => [run, '--network=bridge', ...rest]),
          { name: 'docker', command: () => docker(...RUN_TRUE) },
          podmanSide(bench, RUN_TRUE),
        ]);
      } finally {
        await stop();
        for (const name of ['docker0', 'cni-podman0']) spawnSync('ip', ['link', 'delete', name]);
        // docker forwards nothing of others, and its rules outlive it.
        spawnSync('iptables-restore', { input: rules });
      }
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
