import { writeFileSync } from 'node:fs';
import type { Reporter, TestModule } from 'vitest/node';

/** Writes how long each file of the run took, in milliseconds, as JSON to the file that DOBOS_DURATIONS names: path → time from its import to its last hook. */
export default class Durations implements Reporter {
  readonly #times: Record<string, number> = {};

  onTestModuleEnd(file: TestModule): void {
    const { collectDuration, duration, setupDuration } = file.diagnostic();
    this.#times[file.relativeModuleId] = Math.round(collectDuration + duration + setupDuration);
  }

  onTestRunEnd(): void {
    const path = process.env.DOBOS_DURATIONS;
    if (path !== undefined) writeFileSync(path, JSON.stringify(this.#times));
  }
}
