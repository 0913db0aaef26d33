using Conductor.Diagnostics;

namespace Conductor.Testing;

/// <summary>What a conformance suite gives the factory of a provider: the surroundings of one case.</summary>
public sealed class ConformanceEnvironment
{
    internal ConformanceEnvironment()
    {
        Time = new VirtualTimeProvider();
        Environment = new ConductorEnvironment(Time);
        PassTimeAsync = duration =>
        {
            Time.Advance(duration);
            return Task.CompletedTask;
        };
    }

    /// <summary>The clock of the suite, which it advances.</summary>
    public VirtualTimeProvider Time { get; }

    /// <summary>Surroundings with that clock, for the provider's constructor.</summary>
    public ConductorEnvironment Environment { get; }

    /// <summary>
    /// Lets time pass for what the provider keeps. A provider whose leases run by a server's clock sets it to a real wait; the suite asks for
    /// seconds, never more than ten for one case.
    /// </summary>
    /// <value>Default: advances <see cref="Time"/>.</value>
    public Func<TimeSpan, Task> PassTimeAsync { get; set; }
}
