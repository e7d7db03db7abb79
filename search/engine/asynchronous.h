// The asynchronous search: whenever a worker is free it gets a new trial, made of what is known by
// then; nobody waits for the slowest of a round.
//
// What is proposed depends on the order in which trials end, hence on the clock. That order is kept
// in the study (Study::schedule()): a run that goes on tells its searcher the same outcomes between
// the same proposals and so comes to where it was; from there on time decides again.
// Internal to search/engine.
#pragma once

#include "search/engine/admission.h"
#include "search/engine/ledger.h"
#include "search/engine/run.h"
#include "search/engine/stages.h"

namespace hwnas {

// As run(), with settings.asynchronous. All stages but the last are carried out as a trial is
// proposed; the last one's evaluator gets jobs as they come. The plan has no rungs.
Stopped run_asynchronously(Searcher& searcher, const Plan& plan, Study& study, Admission& admission,
                           Stages& stages, Ledger& ledger);

}  // namespace hwnas
