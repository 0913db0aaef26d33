using System.Diagnostics;

namespace Conductor.Diagnostics;

/// <summary>
/// A span of whose listeners none can end what is traced: one that throws when it begins or ends is logged. Costs nothing while nobody listens.
/// </summary>
/// <param name="activity">The span; null while nobody wants it.</param>
/// <param name="environment">Whose log is told.</param>
internal readonly struct GuardedSpan(Activity? activity, ConductorEnvironment environment) : IDisposable
{
    /// <summary>The span; null while nobody wants it.</summary>
    public Activity? Activity => activity;

    /// <summary>Begins a span.</summary>
    /// <param name="environment">Whose log is told.</param>
    /// <param name="about">What it is about.</param>
    /// <param name="start">Begins it.</param>
    public static GuardedSpan Start<T>(ConductorEnvironment environment, T about, Func<T, Activity?> start)
    {
        if (!ConductorTelemetry.IsTracing)
        {
            return default;
        }

        var current = Activity.Current;
        try
        {
            return new GuardedSpan(start(about), environment);
        }
#pragma warning disable CA1031 // A sampler, or another listener, may throw anything.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            environment.TracingFailed(exception);
            Activity.Current = current;
            return default;
        }
    }

    /// <summary>Ends it.</summary>
    public void Dispose()
    {
        if (activity is null)
        {
            return;
        }

        var parent = activity.Parent;
        try
        {
            activity.Dispose();
        }
#pragma warning disable CA1031 // A listener may throw anything.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            environment.TracingFailed(exception);
            Activity.Current = parent;
        }
    }
}
