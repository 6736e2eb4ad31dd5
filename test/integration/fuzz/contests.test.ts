import { contests } from "../../fuzz/contests/index.ts";
import { describeShare } from "../../fuzz/share.ts";

describeShare(contests.filter(({ needsPrograms }) => needsPrograms));
