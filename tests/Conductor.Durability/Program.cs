using Conductor.Durability;
using Conductor.Durability.Trials;

// Without arguments: the short form of every trial. `long` runs two thousand kills. `work …` is a victim, started by a trial.
return args switch
{
    ["work", ..] => await Worker.RunAsync(WorkerOptions.Parse(args[1..])),
    _ => await TrialProgram.RunAsync(args),
};
