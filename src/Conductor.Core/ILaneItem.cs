namespace Conductor;

/// <summary>Work for the thread pool that may wait in a <see cref="Lane"/> instead.</summary>
internal interface ILaneItem : IThreadPoolWorkItem
{
    /// <summary>Whether it is expected to hold its thread for a moment only. A lane notes here what it did when it ran last.</summary>
    bool IsBrief { get; set; }

    /// <summary>Does the work. Never throws.</summary>
    void Run();

    /// <inheritdoc />
    void IThreadPoolWorkItem.Execute() => Lane.Run(this);
}
