using BenchmarkDotNet.Running;
using Conductor.Benchmarks;

// "memory" is a mode of its own: how much an idle agent holds on to is not a matter of time.
if (args is ["memory"])
{
    await IdleAgentMemory.MeasureAsync();
    return;
}

// "sqlite" too: what durability costs, beside what the disk allows.
if (args is ["sqlite"])
{
    await SqliteCost.MeasureAsync();
    return;
}

// What a dispatch is made of, each part by itself.
if (args is ["parts"])
{
    await DispatchParts.MeasureAsync();
    return;
}

BenchmarkSwitcher.FromAssembly(typeof(DispatchBenchmarks).Assembly).Run(args);
