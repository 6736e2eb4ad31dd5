/** What may be written in environment.yaml, for editors; what is read there is said by `readEnvironment`, which knows more. */
import { z } from "zod";
import { mappingName, variableName } from "../config/environment-section.ts";
import { serviceName } from "../config/schema.ts";

const part = {
  variables: z
    .record(z.string().regex(variableName), z.union([z.string(), z.number(), z.boolean()]))
    .nullish()
    .describe("Variables and what they are; a number or a boolean counts as it is written"),
  mappings: z
    .record(z.string().regex(mappingName), z.string().min(1))
    .nullish()
    .describe(
      "Variables and what each is taken from: section.key, section.* for NAME_*, or a text with $" +
        "{section.key} in it",
    ),
};

export const environmentFile = z.strictObject({
  ...part,
  services: z.record(serviceName, z.strictObject(part).nullish()).nullish().describe("What is for one service only"),
});
