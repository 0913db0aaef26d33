namespace Conductor.Threading;

/// <summary>Work for the thread pool that may wait in a <see cref="Lane"/> instead.</summary>
internal interface ILaneItem : IThreadPoolWorkItem
{
    /// <summary>Whether it is expected to hold its thread for a moment only.</summary>
    bool IsBrief { get; }

    /// <summary>Does the work. Never throws.</summary>
    void Run();

    /// <summary>Told after it ran how long it held its thread, to know how long it will the next time.</summary>
    void Held(TimeSpan time);

    /// <inheritdoc />
    void IThreadPoolWorkItem.Execute() => Lane.Run(this);
}
