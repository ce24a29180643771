import { errorMaker } from '../base/errors.ts';

type RuntimeErrors = {
  RUNTIME_PLATFORM: { platform: string };
  RUNTIME_PROGRAM_MISSING: { program: string };
  RUNTIME_NAMESPACES: { message: string };
  RUNTIME_NO_RIGHTS: { message: string; missing: readonly string[] };
  RUNTIME_UNISOLATED: { what: string; why: string };
  RUNTIME_SECRET_DISK: { target: string };
  RUNTIME_STRAYS: { pids: readonly number[] };
  RUNTIME_KEEPER_GONE: { message: string };
  RUNTIME_UNKNOWN: { runtime: string };
  RUNTIME_FAILED: { runtime: string; message: string };
  RUNTIME_NO_COMMAND: object;
  RUNTIME_ZERO_BYTE: { what: string };
  RUNTIME_CWD: { cwd: string; want: string };
  RUNTIME_BIND_SOURCE: { source: string; code: string };
  RUNTIME_BIND_TARGET: { target: string; want: string };
  RUNTIME_MOUNT_POINT: { path: string; want: string };
  RUNTIME_LINK_LOOP: { path: string };
  RUNTIME_USER_FILE: { path: string; got: string };
  RUNTIME_UNMAPPED_ID: { id: number };
  RUNTIME_TERMINAL: object;
  RUNTIME_NETWORK: { problem: string };
  RUNTIME_RULES: { problem: string };
  RUNTIME_NETWORK_JOIN: { problem: string };
  RUNTIME_PORT_TAKEN: { where: string };
  RUNTIME_PORT: { where: string; code: string };
  RUNTIME_CAPABILITY: { name: string };
  RUNTIME_LIMIT: { what: string; why: string };
  RUNTIME_SECCOMP: { problem: string };
  RUNTIME_SYSCTL: { name: string; code: string };
  RUNTIME_NOT_INSIDE: { folder: string };
};

/** Errors of the runtime room. */
export const runtimeError = errorMaker<RuntimeErrors>({
  RUNTIME_PLATFORM: ({ platform }) => ({
    message: `running a process in a container needs Linux, this is ${platform}`,
    hint: 'COPY, ENV and the other instructions that start nothing work here',
  }),
  RUNTIME_PROGRAM_MISSING: ({ program }) => ({
    message: `${program} is not in PATH`,
    hint: 'setpriv and unshare belong to util-linux (2.38 or newer), newuidmap to the uidmap package',
  }),
  RUNTIME_NOT_INSIDE: () => 'the container has ended',
  RUNTIME_NAMESPACES: ({ message }) => ({
    message: `cannot make the namespaces that a RUN needs: ${message}`,
    hint: 'an ordinary user needs unprivileged user namespaces; inside another container its own rules may forbid them',
  }),
  RUNTIME_NO_RIGHTS: ({ message, missing }) => ({
    message: `cannot make the namespaces that a RUN needs: ${message}; and to do without them this process lacks ${missing.join(', ')}`,
    hint: 'docker, podman and Kubernetes give root in a container these rights unless they are told to drop them',
  }),
  RUNTIME_UNISOLATED: ({ what, why }) => ({
    message: `${what} needs namespaces, and there are none here: ${why}`,
  }),
  RUNTIME_SECRET_DISK: ({ target }) => ({
    message: `the secret at ${target} would come onto a disk: without namespaces nothing can be mounted, and the store is not in memory`,
    hint: 'let DOBOS_ROOT be on a tmpfs, or take the secret as a variable: --mount=type=secret,id=…,env=NAME',
  }),
  RUNTIME_STRAYS: ({ pids }) => ({
    message: `processes that the step left cannot be ended: ${pids.join(', ')}`,
  }),
  RUNTIME_KEEPER_GONE: ({ message }) => ({
    message: `the process that runs containers ended early: ${message}`,
    hint: 'nothing of it is left: run the command again; if memory ran out, dmesg says so',
  }),
  RUNTIME_UNKNOWN: ({ runtime }) => ({
    message: `no runtime ${runtime} in PATH`,
    hint: 'want auto, chroot, unisolated, or the name or path of an OCI runtime such as runc',
  }),
  RUNTIME_FAILED: ({ runtime, message }) => ({
    message: `${runtime} failed: ${message}`,
    hint: /rlimit/.test(message)
      ? 'a limit cannot be higher than this process itself may go: ulimit -H -a tells'
      : '--runtime names another one; --runtime chroot needs none',
  }),
  RUNTIME_NO_COMMAND: () => ({
    message: 'no command to run',
    hint: 'the image has neither ENTRYPOINT nor CMD: give a command',
  }),
  RUNTIME_ZERO_BYTE: ({ what }) => `${what} contains a zero byte`,
  RUNTIME_CWD: ({ cwd, want }) => `working directory ${JSON.stringify(cwd)} cannot be used, want ${want}`,
  RUNTIME_BIND_SOURCE: ({ source, code }) => ({
    message: `${source} cannot be shown in the container: ${code}`,
    hint: code === 'ENOENT' ? 'create it first: a missing source is not made' : undefined,
  }),
  RUNTIME_BIND_TARGET: ({ target, want }) =>
    `mount target ${JSON.stringify(target)} cannot be used, want ${want}`,
  RUNTIME_MOUNT_POINT: ({ path, want }) => `${path} of the image is in the way of a mount, want ${want}`,
  RUNTIME_LINK_LOOP: ({ path }) => `${path} of the image leads through too many symbolic links`,
  RUNTIME_USER_FILE: ({ path, got }) =>
    `${path} of the image is ${got}, want a regular file of at most 10 MiB`,
  RUNTIME_UNMAPPED_ID: ({ id }) => ({
    message: `user or group id ${id} does not exist in this user namespace`,
    hint: 'an ordinary user needs lines in /etc/subuid and /etc/subgid and the program newuidmap',
  }),
  RUNTIME_CAPABILITY: ({ name }) => ({
    message: `${name} cannot be given: this process does not have it`,
    hint: 'inside another container its own rights are the limit',
  }),
  RUNTIME_LIMIT: ({ what, why }) => ({
    message: `${what} cannot be limited here: ${why}`,
    hint: 'leave the option out, or run it as root over runc on a machine with that controller',
  }),
  RUNTIME_SECCOMP: ({ problem }) => `the seccomp profile cannot be used: ${problem}`,
  RUNTIME_SYSCTL: ({ name, code }) => `--sysctl ${name} cannot be set: ${code}`,
  RUNTIME_TERMINAL: () => ({
    message: 'a terminal was asked for, but the input is not a terminal',
    hint: 'leave out -t',
  }),
  RUNTIME_NETWORK: ({ problem }) => ({
    message: `the container's network cannot be made: ${problem}`,
    hint: '--network host takes the network of this machine, --network none has no other machines in it',
  }),
  RUNTIME_RULES: ({ problem }) => `nft makes no rules: ${problem}`,
  RUNTIME_NETWORK_JOIN: ({ problem }) => `the network of another container cannot be joined: ${problem}`,
  RUNTIME_PORT_TAKEN: ({ where }) => ({
    message: `bind for ${where} failed: port is already allocated`,
    hint: 'another program or container listens there: ss -lntup tells which; publish another port',
  }),
  RUNTIME_PORT: ({ where, code }) => ({
    message: `bind for ${where} failed: ${code}`,
    hint:
      code === 'EACCES'
        ? 'ports below 1024 are for root (sysctl net.ipv4.ip_unprivileged_port_start)'
        : 'want an address of this machine',
  }),
});
