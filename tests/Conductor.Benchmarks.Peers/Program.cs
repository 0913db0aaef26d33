using Conductor.Benchmarks.Peers;
using Conductor.Benchmarks.Peers.Measuring;

try
{
    return args switch
    {
        ["--help" or "-h" or "help"] => Help(),
        [Child.Command, var contender, var scenario, .. var rest] => await Child.RunAsync(contender, scenario, isQuick: rest is ["--quick"]),
        _ => await Comparison.RunAsync(Options.Parse(args)),
    };
}
catch (UsageException wrong)
{
    await Console.Error.WriteLineAsync(wrong.Message);
    return 2;
}
#pragma warning disable CA1031 // Whatever it was: an unhandled exception would end in a core dump, and the parent goes on without this child.
catch (Exception failed)
#pragma warning restore CA1031
{
    await Console.Error.WriteLineAsync($"{failed.GetBaseException().Message}{Environment.NewLine}{failed}");

    // Not by returning: threads of a contender that was not stopped would keep the process.
    Environment.Exit(1);
    return 1;
}

static int Help()
{
    Console.WriteLine(Options.Usage);
    return 0;
}
