import type { LimitsRequest } from '../app/container-limits.ts';
import type { SettingsRequest } from '../app/container-settings.ts';
import { flagOption, listOption, type OptionSpec, type OptionValues, textOption } from './spec.ts';

const many = (flags: string, summary: string): OptionSpec => ({ flags, summary, repeat: true });

/** Options of `run` and `create` about rights, names and files of the container. */
export const SETTING_OPTIONS: readonly OptionSpec[] = [
  many('--env-file <file>', 'variables, a line each'),
  many('--label-file <file>', 'labels, a line each'),
  { flags: '--cidfile <file>', summary: "write the container's id to a new file" },
  { flags: '--read-only', summary: 'the files of the image cannot be changed' },
  {
    flags: '--privileged',
    summary: 'all rights of this user: no filter, nothing hidden, the devices of this machine',
  },
  many('--cap-add <name>', 'a capability more, as NET_ADMIN, or ALL'),
  many('--cap-drop <name>', 'a capability less, or ALL'),
  many('--security-opt <option>', 'no-new-privileges, seccomp=unconfined or FILE, systempaths=unconfined'),
  many('--group-add <group>', 'another group, by name or number'),
  many('--device <path>', 'a device of this machine, as /dev/fuse[:/dev/inside]'),
  { flags: '-m, --memory <bytes>', summary: 'as much memory, as 64m' },
  { flags: '--memory-swap <bytes>', summary: 'as much memory and swap together; -1 for all swap' },
  { flags: '--memory-reservation <n>', summary: 'what it is pressed down to when memory is short' },
  { flags: '--cpus <number>', summary: 'as much time of processors, as 1.5' },
  { flags: '-c, --cpu-shares <weight>', summary: 'its share when processors are busy; 1024 is usual' },
  { flags: '--cpu-period <µs>', summary: 'in which its quota counts' },
  { flags: '--cpu-quota <µs>', summary: 'of each period' },
  { flags: '--cpuset-cpus <list>', summary: 'only these processors, as 0-2,5' },
  { flags: '--pids-limit <count>', summary: 'so many processes; -1 for no limit' },
  many('--ulimit <limit>', 'a limit of its processes, as nofile=1024:2048'),
  many('--sysctl <name=value>', 'a setting of the kernel for the container alone'),
  { flags: '--oom-score-adj <number>', summary: 'who is killed first when memory runs out, -1000 to 1000' },
  { flags: '--shm-size <bytes>', summary: 'of /dev/shm, as 128m' },
  many('--add-host <name:address>', 'a name in /etc/hosts; the address host-gateway is this machine'),
  many('--dns <address>', "a name server instead of this machine's"),
  many('--dns-search <domain>', 'where names without a dot are looked for; "." for nowhere'),
  many('--dns-option <option>', 'an option of resolv.conf'),
  { flags: '--domainname <name>', summary: 'its NIS domain name' },
  { flags: '--init', summary: 'a small program as process 1, that reaps processes and passes signals' },
  { flags: '--stop-signal <signal>', summary: 'what stop sends' },
  { flags: '--stop-timeout <seconds>', summary: 'how long stop waits before it kills' },
  { flags: '--pid <mode>', summary: 'its own only' },
  { flags: '--ipc <mode>', summary: 'private or shareable: its own' },
  { flags: '--uts <mode>', summary: 'its own only' },
  { flags: '--userns <mode>', summary: 'host, as root' },
];

export function containerLimits(options: OptionValues): LimitsRequest {
  const text = (name: string): string | undefined => textOption(options, name);
  return {
    memory: text('memory'),
    memorySwap: text('memorySwap'),
    memoryReservation: text('memoryReservation'),
    cpus: text('cpus'),
    cpuShares: text('cpuShares'),
    cpuPeriod: text('cpuPeriod'),
    cpuQuota: text('cpuQuota'),
    cpuset: text('cpusetCpus'),
    pids: text('pidsLimit'),
  };
}

export function containerSettings(options: OptionValues): SettingsRequest {
  const list = (name: string): readonly string[] => listOption(options, name);
  return {
    capAdd: list('capAdd'),
    capDrop: list('capDrop'),
    privileged: flagOption(options, 'privileged'),
    securityOpts: list('securityOpt'),
    readOnly: flagOption(options, 'readOnly'),
    envFiles: list('envFile'),
    labelFiles: list('labelFile'),
    stopSignal: textOption(options, 'stopSignal'),
    stopTimeout: textOption(options, 'stopTimeout'),
    addHosts: list('addHost'),
    dns: list('dns'),
    dnsSearch: list('dnsSearch'),
    dnsOptions: list('dnsOption'),
    shmSize: textOption(options, 'shmSize'),
    ulimits: list('ulimit'),
    sysctls: list('sysctl'),
    groups: list('groupAdd'),
    domainname: textOption(options, 'domainname'),
    devices: list('device'),
    oomScoreAdj: textOption(options, 'oomScoreAdj'),
    pid: textOption(options, 'pid'),
    ipc: textOption(options, 'ipc'),
    userns: textOption(options, 'userns'),
    uts: textOption(options, 'uts'),
    init: flagOption(options, 'init'),
  };
}
