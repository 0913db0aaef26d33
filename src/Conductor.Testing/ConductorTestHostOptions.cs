using Conductor.DependencyInjection;
using Conductor.Messaging;

namespace Conductor.Testing;

/// <summary>Settings of a <see cref="ConductorTestHost"/>.</summary>
public sealed class ConductorTestHostOptions
{
    /// <summary>The default of <see cref="RealTimeLimit"/>: 10 seconds.</summary>
    public static readonly TimeSpan DefaultRealTimeLimit = TimeSpan.FromSeconds(10);

    private static readonly TimeSpan _longest = TimeSpan.FromDays(1);

    /// <summary>Whether every message goes through JSON, so that nobody finds out in production that a payload cannot.</summary>
    /// <value>Default: false.</value>
    public bool UseJson { get; set; }

    /// <summary>The time the clock starts at.</summary>
    /// <value>Default: 1 January 2030, midnight, UTC.</value>
    public DateTimeOffset? StartAt { get; set; }

    /// <summary>How long, in real time, something may be waited for before it counts as stuck: more than zero, at most a day.</summary>
    /// <value>Default: 10 seconds.</value>
    public TimeSpan RealTimeLimit { get; set; } = DefaultRealTimeLimit;

    /// <summary>
    /// How long, in real time, it has to be quiet before the clock is advanced: less than <see cref="RealTimeLimit"/>. More than zero when agents do real
    /// work that the host cannot see (real I/O, threads of their own): longer than each piece of it. It begins anew whenever the code of an agent goes on
    /// after a wait.
    /// </summary>
    /// <value>Default: zero, as soon as the thread pool is idle.</value>
    public TimeSpan QuietPeriod { get; set; }

    /// <summary>Makes the bus behind the recording one.</summary>
    /// <value>Default: null, the recording bus delivers by itself, in memory.</value>
    public Func<IServiceProvider, MessageBus>? InnerBus { get; set; }

    /// <summary>Changes the settings of Conductor, as <c>AddConductor(options => …)</c> does.</summary>
    /// <value>Default: null, the defaults.</value>
    public Action<ConductorOptions>? Configure { get; set; }

    /// <summary>What is wrong with the settings, and how to put it right; null for nothing.</summary>
    internal string? FindProblem() =>
        RealTimeLimit <= TimeSpan.Zero || RealTimeLimit > _longest
            ? $"{nameof(ConductorTestHostOptions)}.{nameof(RealTimeLimit)} is {RealTimeLimit}; set it over zero, and to at most {_longest}."
        : QuietPeriod < TimeSpan.Zero || QuietPeriod > _longest
            ? $"{nameof(ConductorTestHostOptions)}.{nameof(QuietPeriod)} is {QuietPeriod}; set it to zero or more, and to at most {_longest}."
        : QuietPeriod >= RealTimeLimit
            ? $"{nameof(ConductorTestHostOptions)}.{nameof(QuietPeriod)} is {QuietPeriod}, and {nameof(RealTimeLimit)} {RealTimeLimit}: no time could pass " +
                $"before the limit is over; set it to less than that, or raise {nameof(RealTimeLimit)}."
        : null;
}
