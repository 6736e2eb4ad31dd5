/** `node --import` of this puts fatal-step.ts in the place of src/platform/reached.ts. */
import { registerHooks } from "node:module";

const real = new URL("../../../src/platform/reached.ts", import.meta.url).href;
const fatal = new URL("fatal-step.ts", import.meta.url).href;

registerHooks({
  resolve: (specifier, context, next) => {
    const found = next(specifier, context);
    return found.url === real ? { ...found, url: fatal } : found;
  },
});
