import { spawn } from 'node:child_process';
import { runtimeError } from '../errors.ts';

/** A program's outcome. */
export interface ToolRun {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

const MAX_SAID_CHARACTERS = 4 * 1024 * 1024;

/** Runs a network tool to its end, with this as its standard input. */
export function runTool(program: string, args: readonly string[], input?: string): Promise<ToolRun> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
      env: TOOL_ENV,
      cwd: '/',
    });
    // One that ends before it has read all says why.
    child.stdin?.on('error', () => {});
    child.stdin?.end(input);
    const said = { stdout: '', stderr: '' };
    for (const stream of ['stdout', 'stderr'] as const)
      child[stream]?.on('data', (bytes: Buffer) => {
        if (said[stream].length < MAX_SAID_CHARACTERS) said[stream] += String(bytes);
      });
    child.once('error', reject);
    child.once('close', (code) => resolve({ code: code ?? 1, ...said }));
  });
}

/** Of every tool: no settings of the person's reach it. */
export const TOOL_ENV: Readonly<Record<string, string>> = {
  PATH: '/usr/sbin:/usr/bin:/sbin:/bin',
  LC_ALL: 'C',
};

/** @throws RUNTIME_NETWORK when the tool fails */
export async function mustRun(program: string, args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await runTool(program, args);
  if (code !== 0)
    throw runtimeError('RUNTIME_NETWORK', { problem: `${program} ${args.join(' ')}: ${stderr.trim()}` });
  return stdout;
}
