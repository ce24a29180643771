import { errorMaker } from '../base/errors.ts';

type ContainerErrors = {
  CONTAINER_UNKNOWN: { name: string; nearest: readonly string[] };
  CONTAINER_AMBIGUOUS: { name: string; matches: readonly string[] };
  CONTAINER_NAME: { name: string };
  CONTAINER_NAME_TAKEN: { name: string; id: string };
  CONTAINER_RUNNING: { name: string; action: string };
  CONTAINER_NOT_RUNNING: { name: string; state: string };
  CONTAINER_REMOVING: { name: string };
  CONTAINER_BROKEN: { path: string; problem: string };
  CONTAINER_ELSEWHERE: { name: string };
  CONTAINER_DEAF: { name: string; seconds: number };
  CONTAINER_GONE: { name: string };
  CONTAINER_TOP_OPTION: { option: string; known: string };
  CONTAINER_TOP_NONE: { name: string };
  CONTAINER_SIGNAL: { signal: string };
  CONTAINER_HELD: { name: string };
  VOLUME_NAME: { name: string };
  VOLUME_UNKNOWN: { name: string };
  VOLUME_IN_USE: { name: string; ids: readonly string[]; names: readonly string[] };
  CONTAINER_COPY: { problem: string };
  CONTAINER_NO_PATH: { name: string; path: string };
  CONTAINER_FOREGROUND: object;
  CONTAINER_PAUSED: { name: string; action: string };
  CONTAINER_NOT_PAUSED: { name: string };
  CONTAINER_UNREACHABLE: { name: string; seconds: number };
  CONTAINER_LOST: { name: string };
  CONTAINER_NOT_STARTED: { name: string; problem: string };
  CONTAINER_UNWATCHED: { id: string; problem: string };
  CONTAINER_NETWORK: { name: string; state: string };
  CONTAINER_PORT: { name: string; port: string };
};

/** Errors of the containers room. */
export const containerError = errorMaker<ContainerErrors>({
  CONTAINER_UNKNOWN: ({ name, nearest }) => ({
    message: `no such container: ${name}`,
    hint:
      nearest.length === 0
        ? 'dobos ps -a lists them all, also those that have ended'
        : `did you mean ${nearest.join(' or ')}?`,
  }),
  CONTAINER_AMBIGUOUS: ({ name, matches }) => ({
    message: `"${name}" is the beginning of ${matches.length} container ids: ${matches.join(', ')}`,
    hint: 'type more of the id, or the name',
  }),
  CONTAINER_NAME: ({ name }) => ({
    message: `"${name}" cannot be a container's name`,
    hint: 'want two or more letters, digits, "_", "." or "-", the first of them a letter or digit',
  }),
  CONTAINER_NAME_TAKEN: ({ name, id }) => ({
    message: `the container name "${name}" is in use by container ${id}`,
    hint: `remove that one (dobos rm ${name}) or give it another name (dobos rename ${name} NEW)`,
  }),
  CONTAINER_RUNNING: ({ name, action }) => ({
    message: `container ${name} is running, so it cannot be ${action}`,
    hint: action === 'removed' ? `stop it first: dobos stop ${name}, or dobos rm -f ${name}` : undefined,
  }),
  CONTAINER_NOT_RUNNING: ({ name, state }) => `container ${name} is not running, it is ${state}`,
  CONTAINER_TOP_OPTION: ({ option, known }) => ({
    message: `top: "${option}" is none of the options of ps that it takes`,
    hint: known,
  }),
  CONTAINER_TOP_NONE: ({ name }) => ({
    message: `the processes of container ${name} cannot be told from others`,
    hint: 'it runs without namespaces, or its program has just ended',
  }),
  CONTAINER_REMOVING: ({ name }) => ({
    message: `container ${name} is being removed`,
    hint: `if whoever did that was killed, finish it: dobos rm ${name}`,
  }),
  CONTAINER_BROKEN: ({ path, problem }) => ({
    message: `${path} cannot be read as a container: ${problem}`,
    hint: 'what the container wrote lies in that folder; remove the folder to be rid of it',
  }),
  CONTAINER_ELSEWHERE: ({ name }) => ({
    message: `the command that runs container ${name} is out of sight (another pid namespace)`,
    hint: 'stop it where it was started',
  }),
  CONTAINER_DEAF: ({ name, seconds }) =>
    `container ${name} is still running ${seconds} s after it was killed`,
  CONTAINER_GONE: ({ name }) => ({
    message: `container ${name} has ended and removed itself; its exit code went with it`,
    hint: 'start it without --rm to ask for its exit code afterwards',
  }),
  VOLUME_NAME: ({ name }) => ({
    message: `"${name}" includes invalid characters for a volume name, only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed`,
    hint: 'to use a folder of this machine, give its absolute path, or one that begins with ./',
  }),
  VOLUME_UNKNOWN: ({ name }) => ({
    message: `no such volume: ${name}`,
    hint: 'dobos volume ls lists them all',
  }),
  VOLUME_IN_USE: ({ name, ids, names }) => ({
    message: `volume ${name} is in use by ${names.join(', ')} - [${ids.join(', ')}]`,
    hint: `remove what uses it first: dobos rm ${names.join(' ')}`,
  }),
  CONTAINER_HELD: ({ name }) => ({
    message: `files are being copied into container ${name}`,
    hint: 'wait until dobos cp has ended',
  }),
  CONTAINER_COPY: ({ problem }) => problem,
  CONTAINER_NO_PATH: ({ name, path }) => `no such container:path: ${name}:${path}`,
  CONTAINER_PAUSED: ({ name, action }) => ({
    message: `container ${name} is paused, so it cannot be ${action}`,
    hint: `let it go on first: dobos unpause ${name}`,
  }),
  CONTAINER_NOT_PAUSED: ({ name }) => `container ${name} is not paused`,
  CONTAINER_FOREGROUND: () => ({
    message: 'the container runs in the foreground of another command: its streams are there',
    hint: 'dobos exec starts one more program in it; one that was started with -d can be attached to',
  }),
  CONTAINER_UNREACHABLE: ({ name, seconds }) => ({
    message: `the process that looks after container ${name} does not listen, after ${seconds} s`,
    hint: 'it may still be starting; ending that process ends the container too',
  }),
  CONTAINER_LOST: ({ name }) => ({
    message: `the connection to container ${name} was lost`,
    hint: 'dobos ps -a shows what became of it',
  }),
  CONTAINER_NOT_STARTED: ({ name, problem }) => `container ${name} was not started: ${problem}`,
  CONTAINER_UNWATCHED: ({ id, problem }) => ({
    message: `container ${id} was not started: the process that was to look after it is gone, ${problem}`,
    hint: `dobos ps -a shows what became of the container, dobos start ${id} tries again`,
  }),
  CONTAINER_NETWORK: ({ name, state }) => ({
    message: `cannot join the network of container ${name}: it is ${state === 'running' ? 'out of sight' : state}`,
    hint: state === 'running' ? undefined : `start it first: dobos start ${name}`,
  }),
  CONTAINER_PORT: ({ name, port }) => `no public port '${port}' published for ${name}`,
  CONTAINER_SIGNAL: ({ signal }) => ({
    message: `"${signal}" is no signal`,
    hint: 'want a name or a number, such as TERM, SIGHUP or 9',
  }),
});
