// The end of `npm test`: one line that says how many tests passed and failed, and an exit code that agrees with it.
// Arguments: vitest's JSON report, then the names of the gates that failed.
import { readFileSync } from "node:fs";

interface Report {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly numTodoTests: number;
  readonly testResults: readonly TestFile[];
}

interface TestFile {
  readonly status: string;
  readonly assertionResults: readonly { readonly status: string }[];
}

const [file = "", ...brokenGates] = process.argv.slice(2);
const report = readReport(file);
const passed = report?.numPassedTests ?? 0;
const skipped = (report?.numPendingTests ?? 0) + (report?.numTodoTests ?? 0);
const failedTests = (report?.numFailedTests ?? 0) + (report?.testResults.filter(failedAsAWhole).length ?? 0);
// vitest itself fails along with its tests: that counts once, and on its own only when no test says why.
const failedGates = brokenGates.filter((gate) => gate !== "vitest" || failedTests === 0);
const failed = failedTests + failedGates.length;

for (const gate of failedGates) console.log(`FAILED: ${gate} (see above)`);
if (passed + failed === 0) console.log("FAILED: no test ran");
console.log(`${passed} passed, ${failed} failed${skipped === 0 ? "" : `, ${skipped} skipped`}`);
process.exitCode = passed > 0 && failed === 0 ? 0 : 1;

function readReport(path: string): Report | undefined {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch {
    return undefined; // vitest ended before it could write one
  }
}

/** A file that could not be loaded, or whose set-up failed, has no failed test of its own. */
function failedAsAWhole({ status, assertionResults }: TestFile): boolean {
  return status === "failed" && !assertionResults.some((test) => test.status === "failed");
}
